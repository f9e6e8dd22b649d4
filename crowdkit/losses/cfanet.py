"""The whole loss of CFANet: density maps and attention maps of all stages, weighted by training progress."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from crowdkit.errors import ArgumentError, ShapeError
from crowdkit.losses._bsl import BSL
from crowdkit.losses._calling import call, needs
from crowdkit.losses._maps import working_dtype
from crowdkit.losses._reduction import Reduction, check_reduction
from crowdkit.losses._settings import positive
from crowdkit.losses.attention import level_cross_entropy, region_cross_entropy
from crowdkit.ops import check_pair, check_stride, dot_map, mean_pool, sum_pool
from crowdkit.prediction import BlockCounts, Prediction

Schedule = tuple[tuple[float, float], ...]


class Levels(Protocol):
    """What :class:`CFANetLoss` asks of density levels: :class:`crowdkit.targets.DensityLevels` has it."""

    def __call__(self, density: Tensor, *, stride: int = 1) -> Tensor:
        """Give each cell of ``density`` (people per cell) its int64 class."""


class LossParts(NamedTuple):
    """The three sums of equation 6 and the loss of the blocks before they are weighted, each a scalar or (B,)."""

    density: Tensor
    region: Tensor
    level: Tensor
    blocks: Tensor


class LossWeights(NamedTuple):
    """The weights of the three parts at one moment of training."""

    density: float
    region: float
    level: float


class CFANetLoss(nn.Module):
    r"""Loss of CFANet: density loss of every supervised map, plus both attention cross-entropies.

    .. math:: L = w_d \sum_s BSL_s + \lambda \sum_s L_{CAM,s} + \mu \sum_s L_{FAM,s}

    The weights are straight lines between the points (progress, weight) of figure 4, with progress the
    share of the training done; outside the points they stay level. The attention targets are made from the
    density map: a stage's map is pooled to the stage's size, by the mean for the CAM, by the sum for the
    FAM, so that thresholds keep meaning people per full-resolution pixel.

    Args:
        levels: Density levels for the FAM targets, usually a fitted
            :class:`crowdkit.targets.DensityLevels`; ``None`` for a model without a DLE.
        density_loss: Called as ``density_loss(pred, target)`` on people per cell of the model's stride, with
            ``points=`` too if its ``needs_points`` is true, ``progress=`` if its ``needs_progress`` is;
            ``BSL(stride=stride, threshold=threshold)`` when ``None``. It must have the same ``reduction``.
        stride: The model's stride.
        threshold: People per full-resolution pixel from which a cell belongs to the crowd.
        density_weight: Points of the density losses' weight.
        region_weight: Points of the CAM losses' weight, :math:`\lambda`.
        level_weight: Points of the FAM losses' weight, :math:`\mu`.
        block_loss: Called as ``block_loss(prediction.blocks, heads)`` with the heads in each block, for a model that
            counts blocks; ``None`` for one that does not.
        block_weight: Its weight.
        reduction: How the per-image values become the result: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ArgumentError: If a number is outside its range or a schedule is not in order.
        UnknownNameError: If ``reduction`` is not a known word.

    References:
        Rong and Li. *Coarse- and Fine-grained Attention Network with Background-aware Loss for Crowd
        Density Map Estimation*. WACV 2021, equation 6 and figure 4.

    Examples:
        >>> import torch
        >>> loss = CFANetLoss(None, stride=4)
        >>> loss.weights(0.6)
        LossWeights(density=1.0, region=0.05, level=0.05)
        >>> crowd = torch.rand(2, 1, 16, 16)
        >>> prediction = Prediction(crowd, region=(torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 16, 16)))
        >>> loss(prediction, crowd, progress=0.6)
        tensor(0.0693)
    """

    def __init__(
        self,
        levels: Levels | None,
        *,
        density_loss: Callable[..., Tensor] | None = None,
        stride: int = 1,
        threshold: float = 1e-5,
        density_weight: Schedule = ((0.0, 0.8), (0.2, 1.0)),
        region_weight: Schedule = ((0.0, 0.3), (0.2, 0.05)),
        level_weight: Schedule = ((0.0, 0.3), (0.2, 0.3), (0.6, 0.05)),
        block_loss: Callable[[BlockCounts, Tensor], Tensor] | None = None,
        block_weight: float = 1.0,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        check_stride(stride)
        positive("threshold", threshold)
        positive("block_weight", block_weight)
        check_reduction(reduction)
        self.levels = levels
        if density_loss is None:
            density_loss = BSL(stride=stride, threshold=threshold, reduction=reduction)
        self.density_loss = density_loss
        self.stride = stride
        self.threshold = threshold
        self.density_weight = _schedule("density_weight", density_weight)
        self.region_weight = _schedule("region_weight", region_weight)
        self.level_weight = _schedule("level_weight", level_weight)
        self.block_loss = block_loss
        self.block_weight = block_weight
        self.reduction: Reduction = reduction

    @property
    def needs_points(self) -> bool:
        """Whether :meth:`forward` must be given ``points``."""
        return self.block_loss is not None or needs(self.density_loss, "points")

    def forward(
        self,
        prediction: Prediction,
        density: Tensor,
        *,
        progress: float,
        points: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """Weigh the parts as figure 4 does at this moment of training.

        Args:
            prediction: What the model says.
            density: True density in people per cell of the model's stride, shape :math:`(B, 1, h, w)`.
            progress: Share of the training done, 0 to 1.
            points: The heads (x, y) of each image, for a point-supervised density loss.

        Returns:
            A scalar, or shape :math:`(B,)` for ``reduction="none"``.
        """
        parts = self.parts(prediction, density, points=points, progress=progress)
        return self.weigh(parts, progress=progress)

    def weigh(self, parts: LossParts, *, progress: float) -> Tensor:
        """Add up parts that :meth:`parts` has made, with the weights of ``progress``."""
        weights = self.weights(progress)
        paper = weights.density * parts.density + weights.region * parts.region + weights.level * parts.level
        return paper + self.block_weight * parts.blocks

    def parts(
        self,
        prediction: Prediction,
        density: Tensor,
        *,
        points: Sequence[Tensor] | None = None,
        progress: float | None = None,
    ) -> LossParts:
        """Compute the three unweighted sums over the stages; a missing kind of map counts 0.

        Args:
            prediction: What the model says; in ``eval()`` only its density is left, and weighed.
            density: True density in people per cell of the model's stride, shape :math:`(B, 1, h, w)`.
            points: The heads (x, y) of each image, for a point-supervised density loss.
            progress: Share of the training done, 0 to 1, for a density loss that changes with it.

        Raises:
            ShapeError: If a map of the prediction does not have its stage's size, or ``density_loss``
                another ``reduction``.
            ArgumentError: If the prediction has FAM logits and ``levels`` is ``None``, or ``density_loss``
                needs points or progress and there are none.
        """
        check_pair(prediction.density, density)
        density = density.to(working_dtype(density))  # sums of many cells overflow half precision
        estimate = self._density(prediction.density, density, points, progress)
        for stage in prediction.stages:
            estimate = estimate + self._density(stage, density, points, progress)
        region, level = torch.zeros_like(estimate), torch.zeros_like(estimate)
        for logits, factor in _by_stage("region", prediction.region, density):
            crowd = mean_pool(density, factor) / self.stride**2 >= self.threshold
            region = region + region_cross_entropy(logits, crowd, reduction=self.reduction)
        for logits, factor in _by_stage("level", prediction.level, density):
            if self.levels is None:
                raise ArgumentError(
                    "levels: expected density levels for the prediction's FAM logits, got None; "
                    "pass DensityLevels.fit(...), or build the model with dle=False"
                )
            classes = self.levels(sum_pool(density, factor), stride=self.stride * factor)
            level = level + level_cross_entropy(logits, classes, reduction=self.reduction)
        return LossParts(estimate, region, level, self._blocks(prediction, density, points))

    def weights(self, progress: float) -> LossWeights:
        """Weights of the density, CAM and FAM losses when a share ``progress`` of the training is done."""
        if not 0 <= progress <= 1:
            raise ArgumentError(
                f"progress: expected a share in [0, 1], got {progress!r}; pass epoch / epochs"
            )
        return LossWeights(
            _interpolate(self.density_weight, progress),
            _interpolate(self.region_weight, progress),
            _interpolate(self.level_weight, progress),
        )

    def _blocks(self, prediction: Prediction, density: Tensor, points: Sequence[Tensor] | None) -> Tensor:
        if self.block_loss is None or prediction.blocks is None:
            return density.new_zeros(len(density) if self.reduction == "none" else ())
        if points is None:
            raise ArgumentError(
                "points: expected the heads of each image for block_loss, got None; pass points=[...]"
            )
        height, width = (side * self.stride for side in density.shape[-2:])
        across = -(-density.shape[-1] // prediction.blocks.density.shape[-1])
        heads = [dot_map(each, (height, width), stride=self.stride * across) for each in points]
        return self.block_loss(prediction.blocks, torch.stack(heads)[:, None])

    def _density(
        self, pred: Tensor, target: Tensor, points: Sequence[Tensor] | None, progress: float | None
    ) -> Tensor:
        value = call(self.density_loss, pred, target, points=points, progress=progress)
        shape = (len(target),) if self.reduction == "none" else ()
        if value.shape != shape:
            raise ShapeError(
                f"density_loss: expected a value of shape {shape} for reduction={self.reduction!r}, got "
                f"{tuple(value.shape)}; give both losses the same reduction"
            )
        return value

    def extra_repr(self) -> str:
        """Name the settings in ``repr``."""
        return (
            f"stride={self.stride}, threshold={self.threshold:g}, density_weight={self.density_weight}, "
            f"region_weight={self.region_weight}, level_weight={self.level_weight}, "
            f"reduction={self.reduction!r}"
        )


def _by_stage(name: str, stages: tuple[Tensor, ...], density: Tensor) -> list[tuple[Tensor, int]]:
    # Stages double in resolution, and the last has the density's.
    height, width = density.shape[-2:]
    pairs = []
    for index, logits in enumerate(stages):
        factor = 2 ** (len(stages) - 1 - index)
        size = (-(-height // factor), -(-width // factor))
        if tuple(logits.shape[-2:]) != size:
            raise ShapeError(
                f"prediction.{name}[{index}]: expected size {size}, 1/{factor} of the density's "
                f"{(height, width)} rounded up, got {tuple(logits.shape[-2:])}; stages run coarse to fine, "
                "each twice as fine as the one before"
            )
        pairs.append((logits, factor))
    return pairs


def _schedule(name: str, points: Schedule) -> Schedule:
    points = tuple((float(at), float(weight)) for at, weight in points)
    if not points or any(before[0] >= after[0] for before, after in pairwise(points)):
        raise ArgumentError(f"{name}: expected points (progress, weight) in rising order, got {points}")
    if any(not 0 <= at <= 1 or not 0 <= weight < float("inf") for at, weight in points):
        raise ArgumentError(f"{name}: expected progress in [0, 1] and finite weights >= 0, got {points}")
    return points


def _interpolate(points: Schedule, progress: float) -> float:
    if progress <= points[0][0]:
        return points[0][1]
    for (start, low), (end, high) in pairwise(points):
        if progress <= end:
            share = (progress - start) / (end - start)
            return low * (1 - share) + high * share
    return points[-1][1]
