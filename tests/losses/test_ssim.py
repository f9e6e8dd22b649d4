import pytest
import torch
from pytorch_msssim import ssim
from torch.nn import functional as F

from crowdkit.errors import ArgumentError
from crowdkit.losses import SSIMPyramidLoss, ssim_pyramid_loss
from crowdkit.ops import gaussian_window


def crowd(heads, sigma, seed, size=(96, 130)):
    """A density map of Gaussian heads, shape (1, 1, H, W), float64."""
    generator = torch.Generator().manual_seed(seed)
    axes = []
    for side in size:
        centers = torch.rand(heads, 1, generator=generator, dtype=torch.float64) * side
        axis = torch.exp(-((torch.arange(side) + 0.5 - centers) ** 2) / (2 * sigma**2))
        axes.append(axis / axis.sum(1, keepdim=True))
    return (axes[0].T @ axes[1])[None, None]


PAIRS = {
    "sparse": (crowd(20, 4.0, 0), crowd(20, 4.0, 1)),
    "dense": (crowd(1500, 1.0, 0), crowd(1500, 1.0, 1)),
    "nearly right": (crowd(200, 4.0, 0) * 1.02, crowd(200, 4.0, 0)),
    "nobody": (crowd(20, 4.0, 0), torch.zeros(1, 1, 96, 130, dtype=torch.float64)),
}


def composed(pred, target, dtype, **keywords):
    """SL from pytorch-msssim's SSIM; data range 1 makes its constants 0.01^2 and 0.03^2."""
    window = torch.tensor(gaussian_window(11, 1.5), dtype=torch.float64).expand(1, 1, 1, 11)
    x, y = (pred * 50).to(dtype), (target * 50).to(dtype)
    values = []
    for scale in range(3):
        if scale:
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
        values.append(1 - ssim(x, y, data_range=1.0, size_average=True, **(keywords or {"win": window})))
    return sum(values) / 3


@pytest.mark.parametrize("name", PAIRS)
def test_equals_pytorch_msssim(name):
    pred, target = PAIRS[name]
    torch.testing.assert_close(
        ssim_pyramid_loss(pred, target), composed(pred, target, torch.float64), rtol=0, atol=1e-12
    )
    # its own window is rounded to float32
    own = composed(pred, target, torch.float64, win_size=11, win_sigma=1.5)
    torch.testing.assert_close(ssim_pyramid_loss(pred, target), own, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", PAIRS)
def test_gradient_equals_pytorch_msssim(name):
    pred, target = PAIRS[name]
    grads = []
    for loss in (ssim_pyramid_loss, lambda x, y: composed(x, y, torch.float64)):
        leaf = pred.clone().requires_grad_()
        grads += torch.autograd.grad(loss(leaf, target), leaf)
    torch.testing.assert_close(*grads, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", PAIRS)
def test_float32_is_near_float64(name):
    pred, target = PAIRS[name]
    exact = ssim_pyramid_loss(pred, target).item()
    assert ssim_pyramid_loss(pred.float(), target.float()).item() == pytest.approx(exact, abs=1e-6, rel=1e-5)
    assert composed(pred, target, torch.float32).item() == pytest.approx(exact, abs=1e-6)


def test_equal_maps_have_no_loss_and_no_gradient():
    target = PAIRS["dense"][1].float()
    pred = target.clone().requires_grad_()
    loss = ssim_pyramid_loss(pred, target)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(pred.grad, torch.zeros_like(pred))


def test_bounded_where_the_usual_form_divides_by_nothing():
    # Large values that hardly vary: E[x^2] - E[x]^2 is rounding noise of either sign in float32.
    pred = torch.full((1, 1, 40, 40), 1e6) + torch.rand(1, 1, 40, 40)
    target = PAIRS["dense"][1].float()[..., :40, :40]
    for values in (ssim_pyramid_loss(pred, target), ssim_pyramid_loss(-pred, pred)):
        assert 0 <= values.item() <= 2


def test_teaches_an_empty_image():
    pred = torch.full((1, 1, 32, 32), 0.01, requires_grad=True)
    ssim_pyramid_loss(pred, torch.zeros(1, 1, 32, 32)).backward()
    assert (pred.grad > 0).any()
    assert pred.grad.sum() > 0


def test_small_level_uses_largest_odd_window_that_fits():
    x, y = (each[..., 40:60, 40:58] for each in PAIRS["dense"])  # sides 20 x 18, 10 x 9, 5 x 4
    x, y = x.contiguous(), y.contiguous()
    by_hand = []
    for window in (11, 9, 3):
        by_hand.append(ssim_pyramid_loss(x, y, scales=1, window_size=window))
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    whole = ssim_pyramid_loss(*(each[..., 40:60, 40:58] for each in PAIRS["dense"]))
    torch.testing.assert_close(whole, sum(by_hand) / 3)


def test_side_of_one_is_pooled_no_further():
    x, y = torch.rand(1, 1, 1, 8), torch.rand(1, 1, 1, 8)
    pooled = [F.avg_pool2d(each, (1, 2)) for each in (x, y)]
    both = ssim_pyramid_loss(x, y, scales=1) + ssim_pyramid_loss(*pooled, scales=1)
    torch.testing.assert_close(ssim_pyramid_loss(x, y, scales=2), both / 2)
    cell = torch.rand(1, 1, 1, 1), torch.rand(1, 1, 1, 1)
    torch.testing.assert_close(ssim_pyramid_loss(*cell, scales=3), ssim_pyramid_loss(*cell, scales=1))


def test_same_padding_compares_every_cell_under_the_whole_window():
    x, y = torch.rand(1, 1, 4, 5, dtype=torch.float64), torch.rand(1, 1, 4, 5, dtype=torch.float64)
    padded = [F.pad(each, (5, 5, 5, 5)) for each in (x, y)]
    torch.testing.assert_close(
        ssim_pyramid_loss(x, y, scales=1, padding="same"),
        ssim_pyramid_loss(*padded, scales=1, padding="valid"),
    )


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"scales": 0}, "scales: expected a whole number >= 1, got 0"),
        ({"window_size": 10}, "window_size: expected an odd whole number >= 1, got 10"),
        ({"window_sigma": 0.0}, "window_sigma: expected a finite number > 0"),
        ({"c1": -1.0}, "c1: expected"),
        ({"c2": float("nan")}, "c2: expected"),
        ({"expansion": float("inf")}, "expansion: expected"),
        ({"stride": 0}, "stride: expected"),
        ({"padding": "vaild"}, "did you mean 'valid'"),
    ],
)
def test_bad_arguments_fail_early(keywords, message):
    with pytest.raises(ValueError, match=message):
        SSIMPyramidLoss(**keywords)
    with pytest.raises(ValueError, match=message):
        ssim_pyramid_loss(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4), **keywords)


def test_error_is_ours():
    with pytest.raises(ArgumentError):
        SSIMPyramidLoss(scales=True)
