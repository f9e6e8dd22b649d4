"""The table of all losses that the contract goes through, and the inputs it feeds them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from naive_losses import (
    naive_bl,
    naive_bsl,
    naive_level,
    naive_mse,
    naive_multi_scale_mae,
    naive_region,
    naive_relative_count,
    naive_sl,
)
from naive_map_losses import (
    naive_abstraction,
    naive_consistency,
    naive_correlation,
    naive_dms_ssim,
    naive_dsnet,
    naive_mse_mae,
    naive_sanet,
    naive_tednet,
)
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.losses import (
    BSL,
    BackgroundRatioLoss,
    CFANetLoss,
    DensityLevelConsistencyLoss,
    DensityMSELoss,
    DMSSSIMLoss,
    DSNetLoss,
    LevelCrossEntropy,
    MSEMAELoss,
    MultiScaleMAELoss,
    RegionCrossEntropy,
    RelativeCountLoss,
    SANetLoss,
    SpatialAbstractionLoss,
    SpatialCorrelationLoss,
    SSIMPyramidLoss,
    TEDNetLoss,
    WeightedSum,
    background_ratio,
    bsl,
    density_level_consistency,
    density_mse,
    dms_ssim,
    dsnet_loss,
    level_cross_entropy,
    mse_mae,
    multi_scale_mae,
    region_cross_entropy,
    relative_count,
    sanet_loss,
    spatial_abstraction,
    spatial_correlation,
    ssim_pyramid,
    tednet_loss,
)
from crowdkit.losses._reduction import Reduction
from crowdkit.prediction import Prediction


def maps(
    batch: int, size: tuple[int, int], dtype: torch.dtype = torch.float32, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """An estimate with some negative cells, and a truth whose left third is background."""
    generator = torch.Generator().manual_seed(seed)
    pred = torch.rand(batch, 1, *size, generator=generator, dtype=torch.float64) * 0.06 - 0.005
    target = torch.rand(batch, 1, *size, generator=generator, dtype=torch.float64) * 0.05 + 0.001
    target[..., : size[1] // 3] = 0
    return pred.to(dtype), target.to(dtype)


def region_maps(
    batch: int, size: tuple[int, int], dtype: torch.dtype = torch.float32, seed: int = 0
) -> tuple[Tensor, Tensor]:
    pred, target = maps(batch, size, torch.float64, seed)
    return ((pred - 0.02) * 100).to(dtype), target > 0.02


def level_maps(
    batch: int, size: tuple[int, int], dtype: torch.dtype = torch.float32, seed: int = 0
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(batch, 3, *size, generator=generator, dtype=torch.float64)
    return logits.to(dtype), torch.randint(3, (batch, 1, *size), generator=generator)


class Thirds(nn.Module):
    """Stands for fitted density levels."""

    def forward(self, density: Tensor, *, stride: int = 1) -> Tensor:
        return (density / stride**2 > 0.01).long() + (density / stride**2 > 0.03).long()


class OnMaps(nn.Module):
    """CFANetLoss of a prediction made from one map, so that it can stand in the table."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__()
        self.loss = CFANetLoss(Thirds(), **keywords)

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        if pred.ndim != 4 or pred.numel() == 0 or not pred.is_floating_point():
            return self.loss(Prediction(pred), target, progress=0.1)
        fine = pred / self.loss.stride**2
        coarse = F.avg_pool2d(fine, 2, ceil_mode=True)
        levels = [torch.cat((each, each * 20, 1 - each), 1) for each in (coarse, fine)]
        prediction = Prediction(pred, (pred * 0.9, pred * 1.1), (coarse * 30, fine * 30), tuple(levels))
        return self.loss(prediction, target, progress=0.1)


def summed(*, stride: int = 1, reduction: Reduction = "mean") -> WeightedSum:
    """Squared error and background ratio, so that a sum can stand in the table."""
    parts = [each(stride=stride, reduction=reduction) for each in (DensityMSELoss, BackgroundRatioLoss)]
    return WeightedSum(parts, [2.0, 0.5])


@dataclass(frozen=True)
class Case:
    name: str  # of the module in losses.__all__
    module: Callable[..., nn.Module]
    function: Callable[..., Tensor] | None = None
    naive: Callable[..., float] | None = None
    inputs: Callable[..., tuple[Tensor, Tensor]] = maps
    # tuple of (pred, target, keywords, value worked out by hand)
    literal: tuple[Any, Any, dict[str, Any], float] | None = None
    variants: tuple[dict[str, Any], ...] = ()
    call_time: tuple[str, ...] = ()  # keywords of the function that a module takes when called
    density: bool = True  # a loss of density maps: has a stride
    size: tuple[int, int] = (16, 19)

    def __str__(self) -> str:
        return self.name


CROWD = [[0.0, 0.0, 2.0, 1.0]]
SSIM_VARIANTS = (
    {"levels": 1},
    {"levels": 2, "window_size": 5, "window_sigma": 0.8},
    {"padding": "same"},
    {"c1": 0.01, "c2": 0.03, "expansion": 1000.0},
    {"stride": 4},
)
CASES = (
    Case(
        "SSIMPyramidLoss",
        SSIMPyramidLoss,
        ssim_pyramid,
        naive_sl,
        # constant maps 1 and 3: structure 1, luminance (2*3 + c1) / (10 + c1) = 7 / 11
        literal=([[1.0] * 4] * 4, [[3.0] * 4] * 4, {"expansion": 1.0, "c1": 1.0, "levels": 1}, 4 / 11),
        variants=SSIM_VARIANTS,
    ),
    Case(
        "BackgroundRatioLoss",
        BackgroundRatioLoss,
        background_ratio,
        naive_bl,
        literal=([[3.0, -9.0, 5.0, 4.0]], CROWD, {}, 0.25),
        variants=({"threshold": 0.02}, {"stride": 8}, {"threshold": 1e-3, "stride": 2}),
        call_time=("background",),
    ),
    Case(
        "BSL",
        BSL,
        bsl,
        naive_bsl,
        # SL as above over a map of ones against threes, and everything in the estimate is crowd
        literal=([[1.0] * 4] * 4, [[3.0] * 4] * 4, {"expansion": 1.0, "c1": 1.0, "levels": 1}, 4 / 11),
        variants=(*SSIM_VARIANTS, {"background_weight": 0.3}, {"threshold": 0.02, "stride": 2}),
        call_time=("background",),
    ),
    Case(
        "DensityMSELoss",
        DensityMSELoss,
        density_mse,
        naive_mse,
        literal=([[0.0, 1.0, 2.0, 5.0]], CROWD, {"pixel": "csrnet"}, 8.5),
        variants=({"pixel": "sum"}, {"pixel": "csrnet", "expansion": 100.0}, {"stride": 8}),
    ),
    Case(
        "MSEMAELoss",
        MSEMAELoss,
        mse_mae,
        naive_mse_mae,
        # errors 0, 1, 0, 4
        literal=([[0.0, 1.0, 2.0, 5.0]], CROWD, {"expansion": 1.0}, 10 * 5 / 4 + 17 / 4 / 2),
        variants=({"expansion": 1.0, "absolute_weight": 2.0, "square_weight": 1.0}, {"stride": 4}),
    ),
    Case(
        "SANetLoss",
        SANetLoss,
        sanet_loss,
        naive_sanet,
        # as above: SSIM 7 / 11
        literal=(
            [[1.0] * 4] * 4,
            [[3.0] * 4] * 4,
            {"c1": 1.0, "padding": "valid", "consistency_weight": 0.5},
            4 + 0.5 * 4 / 11,
        ),
        variants=(
            {"expansion": 100.0, "consistency_weight": 0.1},
            {"padding": "valid", "window_size": 5, "window_sigma": 0.8},
            {"expansion": 50.0, "stride": 4, "c1": 0.01, "c2": 0.03},
        ),
    ),
    Case(
        "DensityLevelConsistencyLoss",
        DensityLevelConsistencyLoss,
        density_level_consistency,
        naive_consistency,
        # errors 0, 1, 0, -4: -3/4 over all, 1/2 and -2 over halves
        literal=([[0.0, 1.0, 2.0, -3.0]], CROWD, {"expansion": 1.0, "sizes": (1, 2)}, 3 / 4 + 5 / 4),
        variants=({"sizes": (3,), "expansion": 1.0}, {"stride": 8}),
    ),
    Case(
        "DSNetLoss",
        DSNetLoss,
        dsnet_loss,
        naive_dsnet,
        literal=(
            [[0.0, 1.0, 2.0, -3.0]],
            CROWD,
            {"expansion": 1.0, "sizes": (1, 2), "consistency_weight": 10.0},
            17 / 4 + 10 * 2,
        ),
        variants=({"sizes": (2, 5), "expansion": 1.0, "consistency_weight": 3.0}, {"stride": 8}),
    ),
    Case(
        "SpatialAbstractionLoss",
        SpatialAbstractionLoss,
        spatial_abstraction,
        naive_abstraction,
        # errors 0, 1, 0, 4; of the maxima 1 - 0, 5 - 2
        literal=([[0.0, 1.0, 2.0, 5.0]], CROWD, {"levels": 1}, 17 / 4 + 10 / 2),
        variants=({"level_zero": False}, {"levels": 1, "expansion": 30.0}, {"stride": 4}),
    ),
    Case(
        "SpatialCorrelationLoss",
        SpatialCorrelationLoss,
        spatial_correlation,
        naive_correlation,
        literal=([[0.0, 1.0, 2.0, 5.0]], CROWD, {}, 1 - 9 / math.sqrt(30 * 5)),
        variants=({"stride": 4}, {"eps": 0.01}),
    ),
    Case(
        "TEDNetLoss",
        TEDNetLoss,
        tednet_loss,
        naive_tednet,
        literal=(
            [[0.0, 1.0, 2.0, 5.0]],
            CROWD,
            {"levels": 1, "correlation_weight": 2.0, "expansion": 1.0},
            17 / 4 + 10 / 2 + 2 - 18 / math.sqrt(30 * 5),
        ),
        variants=({"level_zero": False, "levels": 2}, {"expansion": 64.0, "stride": 8, "eps": 1e-3}),
    ),
    Case(
        "DMSSSIMLoss",
        DMSSSIMLoss,
        dms_ssim,
        naive_dms_ssim,
        # constant maps 1/3 and 1 under a window of one cell: (2/3 + 1) / (1/9 + 1 + 1) at both levels
        literal=(
            [[1.0] * 4] * 4,
            [[3.0] * 4] * 4,
            {"window_size": 1, "c1": 1.0, "dilations": (1, 2), "weights": (0.5, 0.5)},
            1 - 15 / 19,
        ),
        variants=(
            {"dilations": (2, 1), "weights": (0.7, 0.4), "window_size": 3, "window_sigma": 0.8},
            {"eps": 1e-3, "floor": 0.3, "c1": 0.1, "c2": 0.2},
            {"stride": 4},
        ),
    ),
    Case(
        "RegionCrossEntropy",
        RegionCrossEntropy,
        region_cross_entropy,
        naive_region,
        region_maps,
        literal=([[math.log(3.0), 0.0]], [[True, False]], {}, (math.log(4 / 3) + math.log(2)) / 2),
        density=False,
    ),
    Case(
        "LevelCrossEntropy",
        LevelCrossEntropy,
        level_cross_entropy,
        naive_level,
        level_maps,
        literal=([[[0.0]], [[math.log(2.0)]]], [[1]], {}, math.log(1.5)),
        density=False,
    ),
    Case(
        "RelativeCountLoss",
        RelativeCountLoss,
        relative_count,
        naive_relative_count,
        literal=([[0.0, 1.0, 2.0, 1.5]], CROWD, {}, 0.5),  # 4.5 counted, 3 there
        variants=({"minimum": 50.0},),
        density=False,  # a count has no stride
    ),
    Case(
        "MultiScaleMAELoss",
        MultiScaleMAELoss,
        multi_scale_mae,
        naive_multi_scale_mae,
        literal=([[0.0, 1.0, 2.0, 1.5]], CROWD, {}, 1.5 / 4 + 1.5 / 8 + 1.5 / 16),  # one and a half too many
        variants=(
            {"scales": (3,), "weights": (2.0,)},
            {"relative_to": 50.0},
            {"relative_to": 0.5, "scales": (1, 5), "weights": (0.0, 1.0)},
        ),
        density=False,  # counts have no stride
    ),
    Case("WeightedSum", summed, variants=({"stride": 8},)),
    Case("CFANetLoss", OnMaps, variants=({"stride": 4}, {"region_weight": ((0.0, 1.0),)}), size=(14, 15)),
)
