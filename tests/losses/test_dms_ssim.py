import math

import pytest
import torch
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.losses import DMSSSIMLoss, dms_ssim_loss
from crowdkit.ops import gaussian_window
from crowdkit.targets import density_map

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def crowd(seed, heads=60, size=(96, 130)):
    generator = torch.Generator().manual_seed(seed)
    points = torch.rand(heads, 2, generator=generator, dtype=torch.float64) * torch.tensor(size[::-1])
    return density_map(points, size, sigma=4.0)[None, None].double()


def original(pred, target):
    """The authors' formula by dilated convolutions, and the mean SSIM of each level; one image."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    peak = target.max() + 1e-12
    x, y = (pred + 1e-12) / peak * 255, (target + 1e-12) / peak * 255
    row = torch.tensor(gaussian_window(5, 1.0), dtype=torch.float64)
    means = []
    for level in range(5):
        d = 1 + int(level**1.5)

        def blur(maps, d=d):
            return F.conv2d(maps, torch.outer(row, row)[None, None], padding=2 * d, dilation=d)

        mx, my = blur(x), blur(y)
        vx, vy, cov = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
        ssim = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
        means.append(ssim.mean())
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    means = torch.stack(means)
    return 1 - (means ** torch.tensor(WEIGHTS, dtype=torch.float64)).prod(), means


PAIRS = {
    "nearly right": (crowd(0) * 1.05, crowd(0)),
    "half of them": (0.5 * crowd(0) + 0.5 * crowd(1), crowd(0)),
    "another crowd": (crowd(1), crowd(0)),
    "flat": (torch.full((1, 1, 96, 130), 0.005, dtype=torch.float64), crowd(0)),
    "nobody": (torch.zeros(1, 1, 96, 130, dtype=torch.float64), crowd(0)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_value_and_gradient_are_the_original_s_where_it_is_defined(name):
    pred, target = PAIRS[name]
    values, grads = [], []
    for loss in (dms_ssim_loss, lambda x, y: original(x, y)[0]):
        leaf = pred.clone().requires_grad_()
        values.append(loss(leaf, target))
        grads += torch.autograd.grad(values[-1], leaf)
    assert original(pred, target)[1].min() > 1e-3
    torch.testing.assert_close(*values, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(*grads, rtol=1e-6, atol=1e-9)


def test_learns_where_the_original_is_nan():
    target = crowd(0)
    pred = (2 * target.mean() - target).requires_grad_()  # the crowd's negative
    value, means = original(pred, target)
    assert value.isnan()
    assert means.min() < -0.1
    loss = dms_ssim_loss(pred, target)
    loss.backward()
    assert 1 < loss < 2
    # the slope is of the usual size, and following it helps
    usual = PAIRS["flat"][0].clone().requires_grad_()
    dms_ssim_loss(usual, target).backward()
    assert 0.05 < pred.grad.norm() / usual.grad.norm() < 20
    step = 1e-4 * pred.detach().norm() / pred.grad.norm()
    gain = loss - dms_ssim_loss(pred.detach() - step * pred.grad, target)
    assert gain.item() == pytest.approx((step * pred.grad.square().sum()).item(), rel=0.1)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_a_falling_level_is_felt_all_the_way(weight):
    # One cell under a window of one: SSIM is the luminance alone, and runs from -1 to 1.
    floor = 1e-3
    x = torch.linspace(-0.999, 0.999, 4001, dtype=torch.float64).view(-1, 1, 1, 1).requires_grad_()
    keywords = {"window_size": 1, "dilations": (1,), "weights": (weight,), "floor": floor}
    values = dms_ssim_loss(x, torch.ones_like(x), **keywords, reduction="none")
    t = ((2 * x + 1e-4) / (x**2 + 1 + 1e-4)).flatten()
    (slope,) = torch.autograd.grad(values.sum(), x, retain_graph=True)
    (of_ssim,) = torch.autograd.grad(t.sum(), x)
    slope = -(slope / of_ssim).flatten()  # of the loss against the mean SSIM
    assert (values.diff() < 0).all()
    assert slope.min() > 0.99 * weight
    assert slope.max() < 1.01 * weight * floor ** (weight - 1)
    above = t >= floor
    torch.testing.assert_close(values[above], 1 - t[above] ** weight)
    torch.testing.assert_close(values[~above], 1 - floor**weight + weight * (floor - t[~above]))


def test_normalized_image_by_image():
    pred, target = PAIRS["half of them"]
    torch.testing.assert_close(
        dms_ssim_loss(100 * pred, 100 * target), dms_ssim_loss(pred, target), rtol=1e-7, atol=0
    )
    both = dms_ssim_loss(torch.cat((pred, 9 * pred)), torch.cat((target, 9 * target)), reduction="none")
    torch.testing.assert_close(*both, rtol=1e-7, atol=0)


def test_image_with_nobody():
    empty = torch.zeros(1, 1, 32, 32)
    assert dms_ssim_loss(empty, empty) == 0
    pred = torch.full((1, 1, 32, 32), 0.01, requires_grad=True)
    value = dms_ssim_loss(pred, empty)
    value.backward()
    assert value > 0.99
    # as in the original nothing is learned, only rounding is left: the estimate is divided by 1e-12
    nothing = pred.grad.norm()
    pred.grad = None
    dms_ssim_loss(pred, empty, eps=1e-3).backward()
    assert pred.grad.sum() > 1
    assert nothing < pred.grad.norm() / 20


def test_equal_maps_have_no_loss_and_no_gradient():
    target = crowd(0).float()
    pred = target.clone().requires_grad_()
    value = dms_ssim_loss(pred, target)
    value.backward()
    assert value == 0
    assert pred.grad.abs().max() < 1e-8


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_float32_is_near_float64(name, scale):
    pred, target = PAIRS[name]
    exact = dms_ssim_loss(pred * scale, target).item()
    assert dms_ssim_loss((pred * scale).float(), target.float()).item() == pytest.approx(exact, abs=2e-5)


def test_a_side_of_one_cell_is_kept():
    x, y = torch.tensor(0.4).view(1, 1, 1, 1), torch.tensor(1.0).view(1, 1, 1, 1)
    ssim = (0.8 + 1e-4) / (0.16 + 1 + 1e-4)
    assert dms_ssim_loss(x, y, window_size=1).item() == pytest.approx(1 - ssim ** sum(WEIGHTS), rel=1e-5)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"dilations": (1, 2)}, "dilations: expected one for each of the 5 weights, got 2"),
        ({"dilations": (1, 2, 3, 6, 0)}, r"dilations: expected whole numbers >= 1, got \(1, 2, 3, 6, 0\)"),
        ({"weights": ()}, "weights: expected finite numbers > 0"),
        ({"weights": (1, 1, 1, 1, math.nan)}, "weights: expected finite numbers > 0"),
        ({"window_size": 4}, "window_size: expected an odd"),
        ({"floor": 0.0}, "floor: expected"),
        ({"eps": -1.0}, "eps: expected"),
        ({"stride": 0}, "stride: expected"),
    ],
)
def test_bad_arguments_fail_early(keywords, message):
    with pytest.raises(ArgumentError, match=message):
        DMSSSIMLoss(**keywords)
    with pytest.raises(ArgumentError, match=message):
        dms_ssim_loss(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4), **keywords)
