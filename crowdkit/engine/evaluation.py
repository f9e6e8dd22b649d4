"""Measuring a model, or a guess, on whole images."""

import time
from collections.abc import Callable, Sequence
from itertools import zip_longest
from math import nan

import torch
from torch import Tensor
from torch import distributed as dist
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from crowdkit.data import CrowdData, Sample, Transform
from crowdkit.data.datasets.base import region_of_interest
from crowdkit.data.geometry import in_region
from crowdkit.engine.counting.whole import estimate
from crowdkit.engine.distributed import all_gather, pick_device, rank, world_size
from crowdkit.engine.interrupt import leave_signals_to_parent
from crowdkit.engine.localisation import LocalisationScores
from crowdkit.engine.locating import Method
from crowdkit.engine.region import judged, judged_map, judged_truth
from crowdkit.engine.result import ImageCount, Result
from crowdkit.engine.sources import resolve_sigma
from crowdkit.errors import ArgumentError
from crowdkit.metrics import GAME, BackgroundRatio, CountMAE, CountNAE, CountRMSE, DensityPSNR, DensitySSIM
from crowdkit.metrics.quality import SSIM_WINDOW
from crowdkit.models import CrowdModel
from crowdkit.ops import region_share, upsample
from crowdkit.targets import SigmaRule

_QUALITY = ("ssim", "psnr")
_PROTOCOL = (
    "map metrics per image on maps divided by the larger of their two maxima, SSIM window 11, C 1e-4 and 9e-4"
)


def evaluate(
    model: CrowdModel,
    dataset: CrowdData,
    *,
    sigma: float | str | SigmaRule = "auto",
    transform: Transform | None = None,
    full_resolution: bool = False,
    points: Method | None = None,
    distances: Sequence[float] = (4.0, 8.0),
    device: str | torch.device = "auto",
    precision: str = "float32",
    workers: int = 0,
    progress: bool = False,
) -> Result:
    """Measure a model on whole images, one at a time.

    Within a process group every process takes its share, none an image twice, and all get the result of the
    whole. Map metrics are taken at the model's stride.

    Where samples have a region of interest (Mall), the people inside it are counted alone: heads outside are left
    out, an estimate counts by the share of each cell that is inside (:func:`~crowdkit.ops.within_region`), and both
    maps are zero outside for the map metrics.

    Args:
        model: The network.
        dataset: The images.
        sigma: Spread of a head in the true maps: ``"auto"`` (the data set's own rule), a rule's name, a
            rule or a number of pixels.
        transform: What is done to every sample first, such as the resizing of the training.
        full_resolution: Take SSIM and PSNR at the images' own size, the estimate enlarged bilinearly; slow.
        points: Also locate heads in the maps, by ``"transport"`` or ``"peaks"``
            (:func:`~crowdkit.engine.locate`), and give precision, recall and F1.
        distances: How far a point may be from its head, in pixels.
        device: Where to compute.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        workers: Processes that load images.
        progress: Whether to draw a progress bar.

    Returns:
        The figures; they say which split they come from.

    Raises:
        ArgumentError: If there is no image.
        ImageTooLargeError: If an image does not fit into memory.
    """
    place = pick_device(str(device))
    model = model.to(place)
    images = _Whole(dataset, transform)
    return _measure(
        images,
        lambda sample: estimate(model, sample.image, device=place, precision=precision),
        rule=resolve_sigma(sigma, dataset),
        stride=model.stride,
        full_resolution=full_resolution,
        scores=LocalisationScores(points, distances, device=place),
        device=place,
        workers=workers,
        progress=progress,
    )


def mean_baseline(
    train_set: CrowdData,
    dataset: CrowdData,
    *,
    sigma: float | str | SigmaRule = "auto",
    transform: Transform | None = None,
    stride: int = 1,
    full_resolution: bool = False,
    progress: bool = False,
) -> Result:
    """Measure what "always predict the training mean" gives: a uniform map of the mean count.

    A model that does not beat it has learnt nothing. No pixel is read.

    Args:
        train_set: The images whose mean is predicted.
        dataset: The images to measure on.
        sigma: As for :func:`evaluate`.
        transform: As for :func:`evaluate`.
        stride: Stride of the maps, that of the model to compare with.
        full_resolution: As for :func:`evaluate`.
        progress: Whether to draw a progress bar.

    Returns:
        The figures.

    Raises:
        ArgumentError: If there is no image.

    Examples:
        >>> from crowdkit.data import SyntheticCrowd
        >>> scenes = SyntheticCrowd(3, size=(64, 64), people=(4, 4))
        >>> round(mean_baseline(scenes, scenes, stride=4).mae, 3)
        0.0
    """
    if len(train_set) == 0:
        raise ArgumentError("train_set: expected at least one image, got none; check the data set's folder")
    mean = sum(_people(train_set, index) for index in range(len(train_set))) / len(train_set)

    def guess(sample: Sample) -> Tensor:
        height, width = (-(-side // stride) for side in sample.image.shape[-2:])
        cells = height * width if sample.roi is None else float(region_share(sample.roi, stride=stride).sum())
        return torch.full((1, 1, height, width), mean / (cells or 1))

    return _measure(
        _Whole(dataset, transform, pixels=False),
        guess,
        rule=resolve_sigma(sigma, dataset),
        stride=stride,
        full_resolution=full_resolution,
        device=torch.device("cuda", torch.cuda.current_device()) if _on_gpus() else torch.device("cpu"),
        workers=0,
        progress=progress,
    )


def _people(dataset: CrowdData, index: int) -> int:
    region = region_of_interest(dataset, index)
    if region is None:
        return dataset.count(index)
    return int(in_region(dataset.annotation(index).points, region).sum())


class _Whole(Dataset[Sample]):
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
        if self.pixels:
            sample = self.dataset[index]
        else:
            blank = torch.zeros(1).expand(3, *self.dataset.size(index))
            points, name = self.dataset.annotation(index).points, self.dataset.names[index]
            sample = Sample(blank, points, {"name": name}, roi=region_of_interest(self.dataset, index))
        return sample if self.transform is None else self.transform(sample)


def _measure(
    images: _Whole,
    guess: Callable[[Sample], Tensor],
    *,
    rule: SigmaRule,
    stride: int,
    full_resolution: bool,
    scores: LocalisationScores | None = None,
    device: torch.device,
    workers: int,
    progress: bool,
) -> Result:
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
        sample = judged(shown, rule)
        if sample.roi is not None:
            region = "; inside the region of interest alone"
        density = judged_map(whole, sample, stride)
        truth = judged_truth(sample, rule, stride).to(device)
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
        localisation=() if scores is None else scores.results(),
    )


def _enlarged(density: Tensor, sample: Sample, rule: SigmaRule, stride: int) -> tuple[Tensor, Tensor]:
    height, width = sample.image.shape[-2:]
    fine = upsample(density, stride)[..., :height, :width] / stride**2
    return judged_map(fine, sample, 1), judged_truth(sample, rule, 1).to(density.device)


def _on_gpus() -> bool:
    return dist.is_initialized() and dist.get_backend() == "nccl"
