"""The loss of EBC-ZIP: the likelihood of block counts, the bin they fall into, and their sum."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.losses._maps import check_not_empty, working_dtype
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked, not_negative
from crowdkit.ops import check_bins, check_map, count

# Keeps the logarithm of a rate of 0 finite, as the authors do.
_EPS = 1e-8


class BlockEstimate(Protocol):
    """What :func:`crowdkit.losses.zero_inflated_poisson_loss` asks of an estimate.

    :class:`crowdkit.prediction.BlockCounts` has it.
    """

    @property
    def zero(self) -> Tensor:
        """Logits of an empty block and of one where people may be, shape (B, 2, h, w)."""

    @property
    def bins(self) -> Tensor:
        """Logits of the bins of counts, shape (B, K, h, w)."""

    @property
    def rate(self) -> Tensor:
        """Poisson rate where people may be, shape (B, 1, h, w)."""

    @property
    def density(self) -> Tensor:
        """People expected in a block, shape (B, 1, h, w)."""


def _bins(_: str, value: Sequence[int]) -> None:
    check_bins(value)


@checked(bins=_bins, poisson_weight=not_negative, bin_weight=not_negative, count_weight=not_negative)
def zero_inflated_poisson_loss(
    estimate: BlockEstimate,
    target: Tensor,
    *,
    bins: Sequence[int] = (1, 2, 3, 4),
    poisson_weight: float = 1.0,
    bin_weight: float = 1.0,
    count_weight: float = 1.0,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Zero-inflated Poisson (ZIP) loss of block counts.

    .. math:: \ell = w_p \sum_m nll_m - w_b \sum_{m: y_m > 0} \log \mathrm{softmax}(b_m)_{k(y_m)}
        + w_c \Bigl|\sum_m \hat D_m - \sum_m y_m\Bigr|

    .. math:: nll_m = \begin{cases} -\log(\pi_0 + \pi_1 e^{-\lambda}) & y_m = 0 \\
        -\log \pi_1 - (y_m \log \lambda - \lambda) & y_m > 0 \end{cases}

    with :math:`\pi` the softmax of the zero logits. As in the authors' code the sums are over all blocks of
    an image, and the constant :math:`\log y!` is left out, so that the value can be negative. It is computed
    in log space, where no probability is lost.

    Args:
        estimate: What :class:`crowdkit.layers.ZIPHead` gives, or anything with its four maps.
        target: How many heads each block holds, whole numbers, shape :math:`(B, 1, h, w)`:
            :func:`crowdkit.ops.dot_map` at the head's stride.
        bins: The first count of each bin, those of the head.
        poisson_weight: Weight of the likelihood, :math:`w_p`.
        bin_weight: Weight of the cross-entropy over bins, :math:`w_b`.
        count_weight: Weight of the error of the count, :math:`w_c`.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``. float32, or float64 if a map is.

    Raises:
        ShapeError: If the shapes do not fit each other or ``bins``.
        DTypeError: If a map is not floating point.
        ArgumentError: If ``bins`` does not rise from 1, a weight is negative or maps lie on several devices.
        UnknownNameError: If ``reduction`` is not a known word.

    References:
        Ma, Sanchez and Guha. *ZIP: Scalable Crowd Counting via Zero-Inflated Poisson Modeling*. 2025
        (arXiv 2506.19955), and the authors' ``ZIPoissonNLL`` and ``ZICrossEntropy``.

    Examples:
        >>> import torch
        >>> from crowdkit.layers import ZIPHead
        >>> from crowdkit.ops import dot_map
        >>> heads = torch.tensor([[3.0, 5.0], [6.0, 2.0], [20.0, 9.0]])
        >>> target = dot_map(heads, (16, 24), stride=8)[None, None]
        >>> loss = zero_inflated_poisson_loss(ZIPHead(4)(torch.rand(1, 4, 2, 3)), target)
        >>> bool(loss > 0)
        True
    """
    _check_maps(estimate, target, len(bins))
    dtype = working_dtype(estimate.zero, estimate.bins, estimate.rate, estimate.density, target)
    zero, logits = estimate.zero.to(dtype).log_softmax(dim=1), estimate.bins.to(dtype).log_softmax(dim=1)
    rate, truth = estimate.rate.to(dtype), target.to(dtype)
    empty, peopled = zero[:, :1], zero[:, 1:]
    has_people = truth > 0
    nobody = -torch.logaddexp(empty, peopled - rate)
    somebody = rate - peopled - truth * (rate + _EPS).log()
    likelihood = torch.where(has_people, somebody, nobody).sum(dim=(1, 2, 3))
    # The class by comparisons: bins in a tensor would have to be copied to the device.
    classes = torch.zeros_like(truth, dtype=torch.int64)
    for low in bins[1:]:
        classes = classes + (truth >= low)
    entropy = -(logits.gather(1, classes) * has_people).sum(dim=(1, 2, 3))
    miscount = (count(estimate.density.to(dtype)) - count(truth)).abs()
    return reduce(poisson_weight * likelihood + bin_weight * entropy + count_weight * miscount, reduction)


def _check_maps(estimate: BlockEstimate, target: Tensor, number: int) -> None:
    check_map("target", target)
    check_not_empty("target", target)
    channels = {"zero": 2, "bins": number, "rate": 1, "density": 1}
    for name, expected in channels.items():
        each = getattr(estimate, name, None)
        if not isinstance(each, Tensor) or not each.is_floating_point():
            got = each.dtype if isinstance(each, Tensor) else type(each).__name__
            raise DTypeError(
                f"estimate.{name}: expected a floating-point map, got {got}; pass ZIPHead's output"
            )
        shape = (len(target), expected, *target.shape[2:])
        if each.shape != shape:
            raise ShapeError(
                f"estimate.{name}: expected {shape} beside a target of {tuple(target.shape)} and {number} bins, "
                f"got {tuple(each.shape)}; make the target at the head's stride (dot_map) and give both the "
                "same bins"
            )
        if each.device != target.device:
            raise ArgumentError(
                f"estimate.{name}: expected device {target.device}, got {each.device}; move it with .to()"
            )


class ZeroInflatedPoissonLoss(LossModule):
    """Zero-inflated Poisson (ZIP) loss as a module; see :func:`zero_inflated_poisson_loss`, whose keywords it takes.

    Examples:
        >>> import torch
        >>> from crowdkit.layers import ZIPHead
        >>> estimate = ZIPHead(4)(torch.rand(2, 4, 3, 5))
        >>> ZeroInflatedPoissonLoss(reduction="none")(estimate, torch.zeros(2, 1, 3, 5)).shape
        torch.Size([2])
    """

    function = staticmethod(zero_inflated_poisson_loss)
    bins: Sequence[int] = (1, 2, 3, 4)
    poisson_weight: float = 1.0
    bin_weight: float = 1.0
    count_weight: float = 1.0
    reduction: Reduction = "mean"
