"""Bayesian loss: every head should find one person, wherever the estimate puts it."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from crowdkit.errors import DTypeError, ShapeError
from crowdkit.losses._module import LossModule
from crowdkit.losses._points import check_device, check_one_an_image, map_and_heads
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, one_of, positive

Background = Literal["inverse", "margin", "none"]
_BACKGROUNDS = ("inverse", "margin", "none")
# Cells whose shares are held at once: 12 MB in float32 for 3,000 heads.
_CELLS = 1024


@checked(sigma=positive, background=one_of(*_BACKGROUNDS), background_ratio=positive)
def bayesian_loss(
    pred: Tensor,
    target: Tensor | None = None,  # noqa: ARG001
    *,
    points: Sequence[Tensor],
    weights: Sequence[Tensor] | None = None,
    short_side: float | Tensor | None = None,
    sigma: float = 8.0,
    background: Background = "inverse",
    background_ratio: float = 1.0,
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Bayesian loss (BL+): the people that each head finds against the one that it should.

    .. math:: \ell = |c_0| + \sum_{n=1}^N |t_n - c_n|, \quad c_n = \sum_m p_{nm} \hat D_m, \quad
        p_{nm} = \frac{e^{-b_{nm} / 2 \sigma^2}}{\sum_{k=0}^N e^{-b_{km} / 2 \sigma^2}}

    A cell :math:`m` is shared out among the heads by :math:`b_{nm}`, the squared distance in pixels from its
    center to head :math:`n`, and the background, :math:`n = 0`, which should find nobody. With
    :math:`d` = ``background_ratio_loss`` x ``short_side`` and :math:`r_m` the distance to the nearest head,

    - ``"inverse"``: :math:`b_{0m} = d^2 / (r_m^2 + 10^{-5})`, the authors' code;
    - ``"margin"``: :math:`b_{0m} = (d - r_m)^2`, the paper;
    - ``"none"``: no background, the paper's BL.

    An image with nobody has the loss :math:`|\sum_m \hat D_m|`.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: Not used; there so that all losses are called alike.
        points: Heads (x, y) in full-resolution pixels of the crop, one :math:`(N, 2)` tensor an image.
        weights: What each head should find, :math:`t_n`, one :math:`(N,)` tensor an image; 1 when ``None``.
            The authors give a head near the border the share of its box that the crop holds.
        short_side: Shorter side of the image before it was cropped, in pixels: one number, or shape
            :math:`(B,)`; the map's own, times ``stride``, when ``None``.
        sigma: Standard deviation of the likelihood, in pixels.
        background: How far the background is: ``"inverse"``, ``"margin"`` or ``"none"``.
        background_ratio: Factor on ``short_side``.
        stride: Full-resolution pixels along a cell's side.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``. float32, or float64 if ``pred`` is.

    Raises:
        ShapeError: If a shape is wrong or there is not one tensor an image.
        DTypeError: If ``points`` or ``weights`` is not a list of floating-point tensors.
        ArgumentError: If a number is outside its range or tensors lie on several devices.
        UnknownNameError: If ``background`` or ``reduction`` is not a known word.

    References:
        Ma, Wei, Hong and Gong. *Bayesian Loss for Crowd Count Estimation with Point Supervision*. ICCV 2019,
        equations 8 to 17.

    Examples:
        >>> import torch
        >>> crowd = torch.zeros(1, 1, 8, 8)
        >>> crowd[0, 0, 2, 3] = 1
        >>> bayesian_loss(crowd, points=[torch.tensor([[28.0, 20.0]])], stride=8)
        tensor(0.)
        >>> bayesian_loss(crowd, points=[torch.zeros(0, 2)], stride=8)
        tensor(1.)
    """
    density, heads = map_and_heads(pred, points)
    truths = _targets(weights, heads, pred)
    side = _short_sides(short_side, density, stride)
    values = []
    for i, people in enumerate(density[:, 0]):
        if len(heads[i]) == 0:
            values.append(people.sum().abs())
            continue
        found = _Found.apply(people, heads[i], side[i] * background_ratio, sigma, background, stride)
        values.append((truths[i] - found[:-1]).abs().sum() + found[-1].abs())
    return reduce(torch.stack(values), reduction)


class _Found(torch.autograd.Function):
    # How many people each head, and last the background, finds. Linear in the density, so the adjoint is the
    # same shares, made anew: keeping them would take 4 bytes a head and cell of every image.

    @staticmethod
    def forward(
        density: Tensor, heads: Tensor, distance: Tensor, sigma: float, background: Background, stride: int
    ) -> Tensor:
        found = density.new_zeros(len(heads) + 1)
        with torch.autocast(density.device.type, enabled=False):
            for start, stop in _bands(density):
                people = density[start:stop].reshape(-1)
                shares, crowd, empty = _posterior(
                    start, stop, density, heads, distance, sigma, background, stride
                )
                found = found + torch.cat(((people * crowd) @ shares, (people @ empty)[None]))
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004
        ctx.save_for_backward(*inputs[:3])
        ctx.settings = inputs[3:]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        density, heads, distance = ctx.saved_tensors
        bands = []
        with torch.autocast(density.device.type, enabled=False):
            for start, stop in _bands(density):
                shares, crowd, empty = _posterior(start, stop, density, heads, distance, *ctx.settings)
                bands.append(crowd * (shares @ grad[:-1]) + empty * grad[-1])
        return torch.cat(bands).reshape(density.shape), None, None, None, None, None


def _bands(density: Tensor) -> list[tuple[int, int]]:
    height, width = density.shape
    rows = max(1, _CELLS // width)
    return [(start, min(start + rows, height)) for start in range(0, height, rows)]


def _posterior(
    start: int,
    stop: int,
    density: Tensor,
    heads: Tensor,
    distance: Tensor,
    sigma: float,
    background: Background,
    stride: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Shares of the cells of rows [start, stop): among the heads (cells, N), crowd's and background's (cells,)."""
    y = (torch.arange(start, stop, dtype=heads.dtype, device=heads.device) + 0.5) * stride
    x = (torch.arange(density.shape[1], dtype=heads.dtype, device=heads.device) + 0.5) * stride
    scale = -1 / (2 * sigma**2)
    down = (y[:, None] - heads[:, 1]).square() * scale
    across = (x[:, None] - heads[:, 0]).square() * scale
    logits = (down[:, None] + across).flatten(0, 1)
    shares = torch.softmax(logits, dim=1)
    nearest = logits.amax(dim=1)
    if background == "none":
        return shares, torch.ones_like(nearest), torch.zeros_like(nearest)
    square = nearest / scale
    away = (
        distance.square() / (square + 1e-5)
        if background == "inverse"
        else (distance - square.sqrt()).square()
    )
    # The nearest head's share gives the sum over all heads, without another exponential a head.
    margin = away * scale - nearest + shares.amax(dim=1).log()
    return shares, torch.sigmoid(-margin), torch.sigmoid(margin)


def _targets(weights: Sequence[Tensor] | None, heads: list[Tensor], pred: Tensor) -> list[Tensor]:
    if weights is None:
        return [torch.ones_like(each[:, 0]) for each in heads]
    check_one_an_image("weights", weights, pred)
    for index, (each, own) in enumerate(zip(weights, heads, strict=True)):
        name = f"weights[{index}]"
        if not isinstance(each, Tensor) or not each.is_floating_point():
            got = each.dtype if isinstance(each, Tensor) else type(each).__name__
            raise DTypeError(f"{name}: expected a floating-point tensor, got {got}")
        if each.shape != (len(own),):
            raise ShapeError(f"{name}: expected one number a head, {(len(own),)}, got {tuple(each.shape)}")
        check_device(name, each, pred)
    return [each.to(own.dtype) for each, own in zip(weights, heads, strict=True)]


def _short_sides(short_side: float | Tensor | None, density: Tensor, stride: int) -> Tensor:
    batch, _, height, width = density.shape
    if isinstance(short_side, Tensor):
        if short_side.shape not in ((), (batch,)):
            raise ShapeError(
                f"short_side: expected one number, or one an image {(batch,)}, got {tuple(short_side.shape)}"
            )
        check_device("short_side", short_side, density)
        return short_side.to(density.dtype).expand(batch)
    if short_side is None:
        short_side = min(height, width) * stride
    positive("short_side", short_side)
    return density.new_full((batch,), short_side)


class BayesianLoss(LossModule):
    """Bayesian loss (BL+) as a module; see :func:`bayesian_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> loss = BayesianLoss(stride=4, background="none")
        >>> loss(torch.full((1, 1, 4, 4), 0.125), points=[torch.tensor([[4.0, 8.0]])])
        tensor(1.)
    """

    function = staticmethod(bayesian_loss)
    sigma: float = 8.0
    background: Background = "inverse"
    background_ratio: float = 1.0
    stride: int = 1
    reduction: Reduction = "mean"
