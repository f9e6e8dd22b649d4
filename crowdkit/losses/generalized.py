"""The generalized loss: unbalanced transport between the estimate and the heads."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from crowdkit.losses._module import LossModule
from crowdkit.losses._points import map_and_heads
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, one_of, positive, whole
from crowdkit.ops import unbalanced_transport

Cost = Literal["perspective", "exponential"]
_COSTS = ("perspective", "exponential")
# The authors' scale at the top of a crop, and what is added to it towards the bottom.
_PERSPECTIVE = (0.5, 0.2)


@checked(
    cost=one_of(*_COSTS), scale=positive, unit=positive, entropy=positive, tau=positive, iterations=whole
)
def generalized_loss(
    pred: Tensor,
    target: Tensor | None = None,  # noqa: ARG001
    *,
    points: Sequence[Tensor],
    cost: Cost = "perspective",
    scale: float = 0.6,
    unit: float = 512.0,
    entropy: float = 0.01,
    tau: float = 0.1,
    iterations: int = 50,
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Generalized loss (GL): the cheapest way to carry the estimate to the heads, leaving some of either.

    .. math:: \ell = \min_{P \ge 0} \langle C, P \rangle - \epsilon H(P) + \tau \lVert P 1 - \hat D \rVert_2^2
        + \tau \lVert P^\top 1 - 1 \rVert_1, \quad
        C_{mn} = \exp \frac{\lVert z_m - x_n \rVert}{\eta_{mn} u} - 1

    over plans from cells with centers :math:`z_m` to heads :math:`x_n`, with :math:`H(P) = -\sum P \log P`.
    In the units :math:`u`, :math:`\eta` is ``scale`` for ``cost="exponential"``, and for ``"perspective"``
    0.5 + 0.2 times the mean height of :math:`z_m` and :math:`x_n` in the crop, downwards. The gradient is
    :math:`2 \tau (\hat D - P 1)`. See :func:`crowdkit.ops.unbalanced_transport` for the dual that gives the value.
    An image with nobody has the loss :math:`\tau \lVert \hat D \rVert_2^2`.

    The value counts the entropy and may be negative.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: Not used; there so that all losses are called alike.
        points: Heads (x, y) in full-resolution pixels of the crop, one :math:`(N, 2)` tensor an image.
        cost: ``"perspective"`` or ``"exponential"``.
        scale: :math:`\eta` of the exponential cost, in units.
        unit: Length in pixels that counts as 1: the side of the authors' crops.
        entropy: Weight :math:`\epsilon` of the entropy.
        tau: Price :math:`\tau` of what does not fit.
        iterations: Sinkhorn's steps.
        stride: Full-resolution pixels along a cell's side.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``. float32, or float64 if ``pred`` is.

    Raises:
        ShapeError: If a shape is wrong or there is not one tensor an image.
        DTypeError: If ``points`` is not a list of floating-point tensors.
        ArgumentError: If a number is outside its range or tensors lie on several devices.
        UnknownNameError: If ``cost`` or ``reduction`` is not a known word.

    References:
        Wan, Liu and Chan. *A Generalized Loss Function for Crowd Counting and Localization*. CVPR 2021.

    Examples:
        >>> import torch
        >>> crowd = torch.tensor([[[[0.0, 1.0, 1.0]]]])
        >>> generalized_loss(crowd, points=[torch.zeros(0, 2)])
        tensor(0.2000)
        >>> heads = [torch.tensor([[12.0, 4.0], [20.0, 4.0]])]
        >>> generalized_loss(crowd, points=heads, stride=8).abs() < 0.01
        tensor(True)
    """
    density, heads = map_and_heads(pred, points)
    first, slope = _PERSPECTIVE if cost == "perspective" else (scale, 0.0)
    values = []
    for people, own in zip(density[:, 0], heads, strict=True):
        if len(own) == 0:
            values.append(tau * people.square().sum())
            continue
        values.append(
            unbalanced_transport(
                people,
                own,
                stride=stride,
                scale=first,
                slope=slope,
                unit=unit,
                entropy=entropy,
                tau=tau,
                iterations=iterations,
            )
        )
    return reduce(torch.stack(values), reduction)


class GeneralizedLoss(LossModule):
    """Generalized loss (GL) as a module; see :func:`generalized_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> GeneralizedLoss(cost="exponential")(torch.ones(1, 1, 2, 2), points=[torch.zeros(0, 2)])
        tensor(0.4000)
    """

    function = staticmethod(generalized_loss)
    cost: Cost = "perspective"
    scale: float = 0.6
    unit: float = 512.0
    entropy: float = 0.01
    tau: float = 0.1
    iterations: int = 50
    stride: int = 1
    reduction: Reduction = "mean"
