"""DM-Count: the count, and how far the normalized estimate has to be carried to the heads."""

from collections.abc import Sequence

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError
from crowdkit.losses._module import LossModule
from crowdkit.losses._points import map_and_heads
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, not_negative, positive, whole
from crowdkit.ops import dot_map, transport

# The authors' guard of the division by an estimate of nobody.
_EPS = 1e-8


def _floor(name: str, value: float) -> None:
    if not (value == 0 or 1e-100 <= value < 1):
        raise ArgumentError(f"{name}: expected 0, or a number from 1e-100 to 1, got {value!r}")


@checked(ot_weight=not_negative, tv_weight=not_negative, entropy=positive, iterations=whole, floor=_floor)
def dm_count_loss(
    pred: Tensor,
    target: Tensor | None = None,  # noqa: ARG001
    *,
    points: Sequence[Tensor],
    ot_weight: float = 0.1,
    tv_weight: float = 0.01,
    entropy: float = 10.0,
    iterations: int = 100,
    floor: float = 1e-16,
    stride: int = 1,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""DM-Count: distribution matching by optimal transport.

    .. math:: \ell = \Big| \sum_m \hat D_m - N \Big| + \lambda_1 W_\epsilon(\hat b, \tfrac1N)
        + \lambda_2 N \sum_m \Big| \hat b_m - \frac{T_m}{N} \Big|, \quad
        \hat b = \frac{\hat D^+}{\sum_m \hat D_m^+}, \quad \hat D^+ = \max(\hat D, 0)

    with :math:`T` the heads in each cell and :math:`W_\epsilon` the entropic cost of carrying :math:`\hat b`
    to the heads, :func:`crowdkit.ops.transport`. Its gradient with respect to the estimate is
    :math:`(\beta_m - \langle \beta, \hat b \rangle) / \sum \hat D^+` with the cells' potential :math:`\beta`.
    An image with nobody has the first term alone, and so has an estimate of nobody the gradient of it alone.

    The value of :math:`W_\epsilon` counts the entropy and may be negative, so that the loss may be, too.

    Args:
        pred: Estimated density in people per cell, shape :math:`(B, 1, h, w)`.
        target: Not used; there so that all losses are called alike.
        points: Heads (x, y) in full-resolution pixels of the crop, one :math:`(N, 2)` tensor an image.
        ot_weight: Weight :math:`\lambda_1` of the transport.
        tv_weight: Weight :math:`\lambda_2` of the total variation, whose factor 1/2 is left out.
        entropy: Weight :math:`\epsilon` of the entropy, in squared pixels.
        iterations: Sinkhorn's steps.
        floor: What the authors' code adds to the sums that it divides by. It gives mass that is not carried
            a price of about :math:`-\epsilon \log` ``floor`` = 368 squared pixels, the cost of 19 pixels. 0
            is balanced transport, the paper's formula, at any distance; it takes some 15 times as long.
        stride: Full-resolution pixels along a cell's side.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``. float32, or float64 if ``pred`` is.

    Raises:
        ShapeError: If a shape is wrong or there is not one tensor an image.
        DTypeError: If ``points`` is not a list of floating-point tensors.
        ArgumentError: If a number is outside its range or tensors lie on several devices.
        UnknownNameError: If ``reduction`` is not a known word.

    References:
        Wang, Liu, Samaras and Hoai. *Distribution Matching for Crowd Counting*. NeurIPS 2020.

    Examples:
        >>> import torch
        >>> crowd = torch.tensor([[[[0.0, 1.0, 1.0]]]])
        >>> heads = [torch.tensor([[12.0, 4.0], [20.0, 4.0]])]
        >>> loss = dm_count_loss(crowd, points=heads, stride=8)
        >>> round(loss.item(), 3)  # all is right: the entropy of two heads, log 2, is left
        -0.695
        >>> dm_count_loss(crowd, points=[torch.zeros(0, 2)])
        tensor(2.)
    """
    density, heads = map_and_heads(pred, points)
    values = []
    for people, own in zip(density[:, 0], heads, strict=True):
        number = len(own)
        miscount = (people.sum() - number).abs()
        if number == 0:
            values.append(miscount)
            continue
        # relu, whose slope at 0 is 0: nobody has no gradient there instead of one without bound.
        positive = people.relu()
        total = positive.sum()
        share = positive * (total / (total.square() + _EPS))
        sides = (people.shape[0] * stride, people.shape[1] * stride)
        dots = dot_map(own, sides, stride=stride, dtype=people.dtype)
        variation = (share * number - dots).abs().sum()
        carried = transport(share, own, stride=stride, entropy=entropy, iterations=iterations, floor=floor)
        values.append(miscount + ot_weight * carried + tv_weight * variation)
    return reduce(torch.stack(values), reduction)


class DMCountLoss(LossModule):
    """DM-Count as a module; see :func:`dm_count_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> loss = DMCountLoss(ot_weight=0.0)
        >>> loss(torch.tensor([[[[0.0, 1.0]]]]), points=[torch.tensor([[0.5, 0.5]])])
        tensor(0.0200)
    """

    function = staticmethod(dm_count_loss)
    ot_weight: float = 0.1
    tv_weight: float = 0.01
    entropy: float = 10.0
    iterations: int = 100
    floor: float = 1e-16
    stride: int = 1
    reduction: Reduction = "mean"
