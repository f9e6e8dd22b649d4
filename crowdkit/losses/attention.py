"""Cross-entropies of the coarse (CAM) and fine (FAM) attention maps."""

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.errors import ArgumentError, DTypeError, ShapeError
from crowdkit.losses._maps import check_not_empty, working_dtype
from crowdkit.losses._module import LossModule
from crowdkit.losses._reduction import Reduction, reduce
from crowdkit.losses._settings import checked
from crowdkit.ops import check_map, check_tensor


@checked()
def region_cross_entropy(logits: Tensor, region: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    r"""Binary cross-entropy of a coarse attention map (CAM), averaged over each image's cells.

    .. math:: \ell = -\frac1{hw} \sum_p r_p \log \sigma(l_p) + (1 - r_p) \log(1 - \sigma(l_p))

    Args:
        logits: CAM logits, shape :math:`(B, 1, h, w)`.
        region: Where the crowd is: booleans, or shares in [0, 1] as floating point; same shape.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``. float32, or float64 if ``logits`` is.

    Raises:
        ShapeError: If the shapes differ or are not :math:`(B, 1, h, w)`.
        DTypeError: If ``logits`` is not floating point, or ``region`` neither boolean nor floating point.
        UnknownNameError: If ``reduction`` is not a known word.

    References:
        Rong and Li. *CFANet*. WACV 2021, :math:`L_{CAM}` of equation 6.

    Examples:
        >>> import torch
        >>> region_cross_entropy(torch.zeros(1, 1, 2, 2), torch.eye(2, dtype=torch.bool)[None, None])
        tensor(0.6931)
    """
    check_map("logits", logits)
    check_not_empty("logits", logits)
    check_tensor("region", region)
    if region.dtype != torch.bool and not region.is_floating_point():
        raise DTypeError(f"region: expected booleans or shares in [0, 1], got {region.dtype}; call .bool()")
    _check_target("region", logits, region, logits.shape)
    wide = logits.to(working_dtype(logits))
    entropy = F.binary_cross_entropy_with_logits(wide, region.to(wide.dtype), reduction="none")
    return reduce(entropy.mean(dim=(1, 2, 3)), reduction)


@checked()
def level_cross_entropy(logits: Tensor, classes: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    r"""Cross-entropy of a fine attention map (FAM) over density levels, averaged over each image's cells.

    .. math:: \ell = -\frac1{hw} \sum_p \log \mathrm{softmax}(l_p)_{c_p}

    Args:
        logits: FAM logits over :math:`k` levels, shape :math:`(B, k, h, w)`.
        classes: Density level of each cell, 0 to :math:`k - 1`, int64, shape :math:`(B, 1, h, w)`.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A scalar, or shape :math:`(B,)` for ``reduction="none"``. float32, or float64 if ``logits`` is.

    Raises:
        ShapeError: If the shapes do not fit each other.
        DTypeError: If ``logits`` is not floating point or ``classes`` not int64.
        UnknownNameError: If ``reduction`` is not a known word.

    References:
        Rong and Li. *CFANet*. WACV 2021, :math:`L_{FAM}` of equation 6.

    Examples:
        >>> import torch
        >>> level_cross_entropy(torch.zeros(1, 6, 2, 2), torch.zeros(1, 1, 2, 2, dtype=torch.int64))
        tensor(1.7918)
    """
    check_tensor("logits", logits)
    check_tensor("classes", classes)
    if not logits.is_floating_point():
        raise DTypeError(f"logits: expected floating point, got {logits.dtype}; call .float()")
    if logits.ndim != 4:
        raise ShapeError(f"logits: expected shape (B, k, h, w), got {tuple(logits.shape)}")
    check_not_empty("logits", logits)
    if classes.dtype != torch.int64:
        raise DTypeError(f"classes: expected int64, got {classes.dtype}; call .long()")
    _check_target("classes", logits, classes, torch.Size((logits.shape[0], 1, *logits.shape[2:])))
    wide = logits.to(working_dtype(logits))
    # Every class counts: torch would pass over -100.
    chosen = wide.log_softmax(dim=1).gather(1, classes)
    entropy = -chosen.squeeze(1)
    return reduce(entropy.mean(dim=(1, 2)), reduction)


def _check_target(name: str, logits: Tensor, target: Tensor, shape: torch.Size) -> None:
    if target.shape != shape:
        raise ShapeError(
            f"{name}: expected shape {tuple(shape)} beside the logits, got {tuple(target.shape)}"
        )
    if target.device != logits.device:
        raise ArgumentError(
            f"{name}: expected device {logits.device}, got {target.device}; move it with .to()"
        )


class RegionCrossEntropy(LossModule):
    """Cross-entropy of a coarse attention map (CAM) as a module; see :func:`region_cross_entropy`.

    Examples:
        >>> import torch
        >>> RegionCrossEntropy()(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2, dtype=torch.bool))
        tensor(0.6931)
    """

    function = staticmethod(region_cross_entropy)
    reduction: Reduction = "mean"


class LevelCrossEntropy(LossModule):
    """Cross-entropy of a fine attention map (FAM) as a module; see :func:`level_cross_entropy`.

    Examples:
        >>> import torch
        >>> LevelCrossEntropy()(torch.zeros(1, 2, 2, 2), torch.ones(1, 1, 2, 2, dtype=torch.int64))
        tensor(0.6931)
    """

    function = staticmethod(level_cross_entropy)
    reduction: Reduction = "mean"
