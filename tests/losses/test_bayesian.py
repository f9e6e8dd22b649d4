"""What is the Bayesian loss's own: weights, short sides, bands of rows, and what each background means."""

from functools import partial

import pytest
import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError
from crowdkit.losses import BayesianLoss, bayesian_loss

at_8 = partial(bayesian_loss, stride=8)


def crowd(
    number: int, size: tuple[int, int], stride: int = 8, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pred = torch.rand(1, 1, *size, generator=generator, dtype=torch.float64) * 0.1
    canvas = torch.tensor([size[1] * stride, size[0] * stride], dtype=torch.float64)
    return pred.to(dtype), (torch.rand(number, 2, generator=generator, dtype=torch.float64) * canvas).to(
        dtype
    )


def whole(
    pred: Tensor, points: Tensor, *, weights: Tensor | None = None, margin: float, sigma: float = 8.0
) -> Tensor:
    """All heads by all cells at once, one softmax, autograd's gradient."""
    height, width = pred.shape[-2:]
    y, x = torch.arange(height) * 8.0 + 4, torch.arange(width) * 8.0 + 4
    squares = (y[:, None, None] - points[:, 1]) ** 2 + (x[:, None] - points[:, 0]) ** 2
    squares = squares.reshape(-1, len(points))
    background = margin**2 / (squares.min(dim=1, keepdim=True).values + 1e-5)
    shares = torch.softmax(-torch.cat((squares, background), dim=1) / (2 * sigma**2), dim=1)
    found = (pred.reshape(-1, 1) * shares).sum(dim=0)
    wanted = torch.ones_like(points[:, 0]) if weights is None else weights
    return (torch.cat((wanted, torch.zeros(1))) - found).abs().sum()


def test_many_bands_are_the_whole():
    pred, heads = crowd(70, (41, 70))  # three bands, the last ragged
    a, b = pred.clone().requires_grad_(), pred.clone().requires_grad_()
    ours, plain = at_8(a, points=[heads]), whole(b, heads, margin=41 * 8)
    ours.backward()
    plain.backward()
    torch.testing.assert_close(ours, plain, rtol=1e-12, atol=0)
    torch.testing.assert_close(a.grad, b.grad, rtol=1e-9, atol=1e-12)


def test_nothing_as_large_as_heads_by_cells_is_kept():
    pred, heads = crowd(300, (40, 40), dtype=torch.float32)
    kept = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        at_8(pred.requires_grad_(), points=[heads])
    assert kept
    assert max(kept) <= 1600 < 300 * 1600


def test_float32_is_close_to_float64_far_from_the_heads():
    pred, heads = crowd(40, (60, 90))
    heads = heads / 8  # all in one corner
    for background in ("inverse", "margin", "none"):
        exact = at_8(pred, points=[heads], background=background, background_ratio=0.2)
        rounded = at_8(pred.float(), points=[heads.float()], background=background, background_ratio=0.2)
        assert rounded.item() == pytest.approx(exact.item(), rel=1e-4)


def test_weights_and_short_sides_belong_to_their_images():
    pred, heads = crowd(6, (6, 7))
    pred, points = pred.repeat(2, 1, 1, 1), [heads[:2], heads[2:]]
    weights = [torch.tensor([0.3, 1.0]), torch.rand(4, dtype=torch.float64)]
    sides = torch.tensor([300.0, 90.0])
    ours = at_8(pred, points=points, weights=weights, short_side=sides, reduction="none")
    for i in range(2):
        plain = whole(pred[i : i + 1], points[i], weights=weights[i], margin=float(sides[i]))
        torch.testing.assert_close(ours[i], plain, rtol=1e-9, atol=0)
    again = BayesianLoss(stride=8, reduction="none")(pred, points=points, weights=weights, short_side=sides)
    assert torch.equal(again, ours)
    same = at_8(pred, points=points, short_side=300.0, reduction="none")
    torch.testing.assert_close(same[0], at_8(pred[:1], points=points[:1], short_side=sides[:1]))


def test_the_order_of_the_heads_makes_no_difference():
    pred, heads = crowd(9, (6, 7))
    torch.testing.assert_close(at_8(pred, points=[heads.flip(0)]), at_8(pred, points=[heads]))


@pytest.mark.parametrize("background", ["margin", "none"])
def test_an_enlarged_image_has_the_same_loss(background):
    pred, heads = crowd(5, (6, 7))
    small = at_8(pred, points=[heads], background=background, background_ratio=0.15)
    large = at_8(
        pred, points=[heads * 2], background=background, background_ratio=0.15, sigma=16.0, stride=16
    )
    torch.testing.assert_close(small, large)


def test_the_inverse_background_begins_at_the_root_of_its_distance():
    # d^2 / r^2 = r^2 at r = sqrt(d): there the one head and the background find half a person each.
    pred = torch.zeros(1, 1, 1, 20, dtype=torch.float64)
    pred[..., 10] = 1
    head = [torch.tensor([[84.0 - 30.0, 4.0]], dtype=torch.float64)]
    assert at_8(pred, points=head, short_side=900.0).item() == pytest.approx(1.0, abs=1e-5)
    assert at_8(pred, points=head, short_side=90.0).item() == pytest.approx(2.0, abs=0.01)


def test_people_are_pushed_to_heads_and_off_the_background():
    pred = torch.full((1, 1, 8, 8), 0.01, requires_grad=True)
    at_8(pred, points=[torch.tensor([[12.0, 12.0]])], background_ratio=0.1).backward()
    assert pred.grad[0, 0, 1, 1] < 0
    assert pred.grad[0, 0, 7, 7] == pytest.approx(1)


def test_an_empty_estimate_is_not_stuck():
    pred = torch.zeros(1, 1, 8, 8, requires_grad=True)
    at_8(pred, points=[torch.tensor([[12.0, 12.0]])]).backward()
    assert pred.grad[0, 0, 1, 1] < -0.9


def test_bad_arguments_are_told():
    pred, heads = crowd(3, (6, 7))
    with pytest.raises(UnknownNameError, match="did you mean 'inverse'"):
        BayesianLoss(background="invers")
    for number in (0.0, -1.0, float("nan")):
        with pytest.raises(ArgumentError, match="sigma: expected a finite number > 0"):
            BayesianLoss(sigma=number)
        with pytest.raises(ArgumentError, match="background_ratio: expected a finite number > 0"):
            at_8(pred, points=[heads], background_ratio=number)
        with pytest.raises(ArgumentError, match="short_side: expected a finite number > 0"):
            at_8(pred, points=[heads], short_side=number)
    with pytest.raises(
        ShapeError, match=r"short_side: expected one number, or one an image \(1,\), got \(2,\)"
    ):
        at_8(pred, points=[heads], short_side=torch.ones(2))
    with pytest.raises(ShapeError, match=r"weights\[0\]: expected one number a head, \(3,\), got \(2,\)"):
        at_8(pred, points=[heads], weights=[torch.ones(2)])
    with pytest.raises(ShapeError, match="weights: expected one tensor an image, 1, got 2"):
        at_8(pred, points=[heads], weights=[torch.ones(3)] * 2)
    with pytest.raises(DTypeError, match=r"weights\[0\]: expected a floating-point tensor, got torch\.int64"):
        at_8(pred, points=[heads], weights=[torch.ones(3, dtype=torch.int64)])
    with pytest.raises(DTypeError, match="weights: expected a list of tensors"):
        at_8(pred, points=[heads], weights=torch.ones(1, 3))
    with pytest.raises(ArgumentError, match=r"weights\[0\]: expected device cpu, got meta"):
        at_8(pred, points=[heads], weights=[torch.ones(3, device="meta")])
