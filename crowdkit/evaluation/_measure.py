"""Estimated maps beside the true ones, over a data set. Imports torchmetrics: load it inside a function."""

import time
from collections.abc import Callable
from itertools import zip_longest
from math import nan

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from crowdkit.data import CrowdData, Sample, Transform, roi_map, roi_sample, roi_truth, sample_without_pixels
from crowdkit.errors import ArgumentError
from crowdkit.evaluation.localization import LocalizationScores
from crowdkit.evaluation.result import ImageCount, Result
from crowdkit.metrics import (
    GAME,
    SSIM_WINDOW,
    BackgroundRatio,
    CountMAE,
    CountNAE,
    CountRMSE,
    DensityPSNR,
    DensitySSIM,
)
from crowdkit.ops import upsample
from crowdkit.runtime import all_gather, leave_signals_to_parent, rank, world_size
from crowdkit.targets import SigmaRule

_QUALITY = ("ssim", "psnr")
_PROTOCOL = (
    "map metrics per image on maps divided by the larger of their two maxima, SSIM window 11, C 1e-4 and 9e-4"
)


class WholeImages(Dataset[Sample]):
    """This process's share of the images, whole, with or without their pixels."""

    def __init__(self, dataset: CrowdData, transform: Transform | None, *, pixels: bool = True) -> None:
        if len(dataset) < world_size():
            raise ArgumentError(
                f"dataset: expected at least one image for each of {world_size()} processes, "
                f"got {len(dataset)}; check the data set's folder or start fewer"
            )
        self.dataset = dataset
        self.transform = transform
        self.pixels = pixels
        self.indices = range(rank(), len(dataset), world_size())

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> Sample:
        index = self.indices[place]
        sample = self.dataset[index] if self.pixels else sample_without_pixels(self.dataset, index)
        return sample if self.transform is None else self.transform(sample)


def measure(
    images: WholeImages,
    guess: Callable[[Sample], Tensor],
    *,
    rule: SigmaRule,
    stride: int,
    full_resolution: bool,
    scores: LocalizationScores | None = None,
    device: torch.device,
    workers: int,
    progress: bool,
) -> Result:
    """Compare estimated maps with the true ones, image by image.

    Args:
        images: This process's share of the images.
        guess: Estimates the map of a sample, shape :math:`(1, 1, h, w)`.
        rule: The rule for sigma.
        stride: Side of a cell in pixels.
        full_resolution: Take SSIM and PSNR at the images' own size.
        scores: Locates heads too.
        device: Where to compute.
        workers: Processes that load images.
        progress: Whether to draw a progress bar.

    Returns:
        The figures of all processes.
    """
    started = time.monotonic()
    metrics = {
        "mae": CountMAE(),
        "rmse": CountRMSE(),
        "nae": CountNAE(),
        "game1": GAME(1),
        "game2": GAME(2),
        "game3": GAME(3),
        "ssim": DensitySSIM(),
        "psnr": DensityPSNR(),
        "background_ratio": BackgroundRatio(stride=stride),
    }
    for metric in metrics.values():
        metric.to(device)
    loader = DataLoader(
        images,
        batch_size=None,
        num_workers=workers,
        worker_init_fn=leave_signals_to_parent,
        generator=torch.Generator(),  # else it draws from the global random numbers of a training
    )
    counts = []
    protocol, region = _PROTOCOL + (", at full resolution" if full_resolution else ""), ""
    for shown in tqdm(loader, desc="evaluating", disable=not progress, unit="image", leave=False):
        whole = guess(shown).to(device)
        sample = roi_sample(shown, rule)
        if sample.roi is not None:
            region = "; inside the region of interest alone"
        density = roi_map(whole, sample, stride)
        truth = roi_truth(sample, rule, stride).to(device)
        fine = _enlarged(whole, sample, rule, stride) if full_resolution else (density, truth)
        for name, metric in metrics.items():
            if name == "ssim" and min(fine[0].shape[-2:]) < SSIM_WINDOW:
                continue
            metric.update(*(fine if name in _QUALITY else (density, truth)))
        if scores is not None:
            scores.update(density, sample, stride)
        counts.append(
            ImageCount(name=sample.meta["name"], people=len(sample.points), count=float(density.sum()))
        )
    everyone = [each for share in zip_longest(*all_gather(counts)) for each in share if each is not None]
    dataset = images.dataset
    return Result(
        **{
            name: float(metric.compute()) if metric.update_called else nan for name, metric in metrics.items()
        },
        images=len(everyone),
        people=sum(each.people for each in everyone),
        dataset=dataset.name,
        split=dataset.split,
        stride=stride,
        sigma=rule.name,
        protocol=protocol + region,
        seconds=time.monotonic() - started,
        counts=tuple(everyone),
        localization=() if scores is None else scores.results(),
    )


def _enlarged(density: Tensor, sample: Sample, rule: SigmaRule, stride: int) -> tuple[Tensor, Tensor]:
    height, width = sample.image.shape[-2:]
    fine = upsample(density, stride)[..., :height, :width] / stride**2
    return roi_map(fine, sample, 1), roi_truth(sample, rule, 1).to(density.device)
