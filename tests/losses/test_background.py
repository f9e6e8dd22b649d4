import pytest
import torch

from crowdkit.errors import DTypeError, ShapeError
from crowdkit.losses import BSL, BackgroundRatioLoss, background_ratio_loss, bsl, density_mse_loss


def test_given_mask_wins_over_the_target():
    pred = torch.tensor([[[[1.0, 3.0]]]])
    target = torch.ones(1, 1, 1, 2)
    mask = torch.tensor([[[[True, False]]]])
    assert background_ratio_loss(pred, target) == 0
    assert background_ratio_loss(pred, target, background=mask) == 0.25
    assert BackgroundRatioLoss()(pred, target, background=mask) == 0.25
    assert BSL()(pred, target, background=mask) == bsl(pred, target, background=mask)
    assert bsl(pred, target, background=mask) - bsl(pred, target) == pytest.approx(0.25)


def test_threshold_is_people_per_full_resolution_pixel():
    target = torch.tensor([[[[1e-5 * 64, 0.99e-5 * 64]]]])
    assert background_ratio_loss(torch.ones_like(target), target, stride=8) == 0.5


def test_empty_estimate_has_no_loss_and_no_gradient():
    pred = torch.zeros(1, 1, 4, 4, requires_grad=True)
    loss = background_ratio_loss(pred, torch.zeros(1, 1, 4, 4))
    loss.backward()
    assert loss == 0
    assert torch.equal(pred.grad, torch.zeros_like(pred))


def test_image_with_nobody_is_a_constant_without_gradient_but_bsl_teaches():
    # a density of a real crowd: far above it SSIM saturates, and teaches next to nothing
    pred = (torch.rand(1, 1, 16, 16, dtype=torch.float64) * 1e-3).requires_grad_()
    nobody = torch.zeros_like(pred)
    loss = background_ratio_loss(pred, nobody)
    (grad,) = torch.autograd.grad(loss, pred)
    assert loss.item() == pytest.approx(1)
    assert grad.abs().max() < 1e-12
    (grad,) = torch.autograd.grad(bsl(pred, nobody), pred)
    assert grad.isfinite().all()
    assert grad.abs().max() > 1e-6


def test_gradient_moves_people_from_background_to_crowd():
    pred = torch.ones(1, 1, 1, 4, requires_grad=True)
    background_ratio_loss(pred, torch.tensor([[[[0.0, 0.0, 1.0, 1.0]]]])).backward()
    assert (pred.grad[..., :2] > 0).all()
    assert (pred.grad[..., 2:] < 0).all()


def test_bad_mask_and_numbers():
    pred = torch.ones(1, 1, 4, 4)
    with pytest.raises(DTypeError, match="expected a boolean map"):
        background_ratio_loss(pred, pred, background=pred)
    with pytest.raises(ShapeError, match="background: expected the shape of pred"):
        background_ratio_loss(pred, pred, background=pred[0, 0] > 0)
    with pytest.raises(ValueError, match="threshold: expected a finite number > 0"):
        BackgroundRatioLoss(threshold=0.0)
    with pytest.raises(ValueError, match="eps: expected a finite number > 0"):
        background_ratio_loss(pred, pred, eps=0.0)
    for weight in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="background_weight: expected a finite number >= 0"):
            BSL(background_weight=weight)
    with pytest.raises(ValueError, match="did you mean 'csrnet'"):
        density_mse_loss(pred, pred, pixel="csrent")


def test_zero_background_weight_leaves_the_structural_loss():
    pred, target = torch.rand(2, 1, 16, 16), torch.rand(2, 1, 16, 16)
    target[..., :8] = 0
    assert bsl(pred, target, background_weight=0.0) < bsl(pred, target)
