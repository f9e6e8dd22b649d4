"""Loss of CFANet: its case."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from crowdkit.losses import CFANetLoss
from crowdkit.prediction import Prediction
from losses._case import Case


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


CASE = Case(
    OnMaps, name="CFANetLoss", variants=({"stride": 4}, {"region_weight": ((0.0, 1.0),)}), size=(14, 15)
)
