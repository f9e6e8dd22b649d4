"""One pass of a model over the images of a data set. Imports torchmetrics: load it inside a function."""

import time
from collections.abc import Callable
from itertools import zip_longest
from math import nan

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from crowdkit.calibration import Traits, image_traits
from crowdkit.data import CrowdData, LazyImage, Sample, Transform, roi_map, roi_sample, sample_without_pixels
from crowdkit.errors import ArgumentError
from crowdkit.evaluation._bootstrap import bootstrap_interval
from crowdkit.evaluation._map_metrics import MapMetrics
from crowdkit.evaluation.localization import HeadLocator
from crowdkit.evaluation.result import METRICS, ImageCount, Result
from crowdkit.metrics import count_mae, count_nae, count_rmse
from crowdkit.runtime import all_gather, leave_signals_to_parent, rank, world_size
from crowdkit.targets import SigmaRule


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
    maps: MapMetrics | None,
    locator: HeadLocator | None = None,
    traits: bool = False,
    device: torch.device,
    workers: int,
    progress: bool,
) -> Result:
    """Estimate the map of every image once, and take everything that is wanted from it.

    Args:
        images: This process's share of the images.
        guess: Estimates the map of a sample, shape :math:`(1, 1, h, w)`.
        rule: The rule for sigma.
        stride: Side of a cell in pixels.
        maps: Compares the maps with the true ones.
        locator: Locates heads too.
        traits: Whether to take the images' traits.
        device: Where to compute.
        workers: Processes that load images.
        progress: Whether to draw a progress bar.

    Returns:
        The figures of all processes.
    """
    started = time.monotonic()
    loader = DataLoader(
        images,
        batch_size=None,
        num_workers=workers,
        worker_init_fn=leave_signals_to_parent,
        generator=torch.Generator(),  # else it draws from the global random numbers of a training
    )
    found: list[tuple[ImageCount, Traits | None]] = []
    region = ""
    for shown in tqdm(loader, desc="evaluating", disable=not progress, unit="image", leave=False):
        whole = guess(shown).to(device)
        sample = roi_sample(shown, rule)
        if sample.roi is not None:
            region = "; inside the region of interest alone"
        density = roi_map(whole, sample, stride)
        if maps is not None:
            maps.update(whole, density, sample)
        if locator is not None:
            locator.update(density, sample, stride)
        count = ImageCount(
            name=sample.meta["name"],
            people=len(sample.points),
            count=float(density.sum(dtype=torch.float64)),
        )
        looks = image_traits(LazyImage(shown.image), whole.cpu(), stride=stride) if traits else None
        found.append((count, looks))
    everyone = [each for share in zip_longest(*all_gather(found)) for each in share if each is not None]
    counts = tuple(count for count, _ in everyone)
    estimates, people = torch.tensor([(each.count, each.people) for each in counts]).double().T
    figures = dict.fromkeys(METRICS, nan) if maps is None else maps.results()
    figures |= {
        "mae": float(count_mae(estimates, people)),
        "rmse": float(count_rmse(estimates, people)),
        "nae": float(count_nae(estimates, people)),
    }
    return Result(
        **figures,
        mae_interval=bootstrap_interval((estimates - people).abs().tolist()),
        images=len(counts),
        people=sum(each.people for each in counts),
        dataset=images.dataset.name,
        split=images.dataset.split,
        stride=stride,
        sigma=rule.name,
        protocol=("counts alone" if maps is None else maps.protocol) + region,
        seconds=time.monotonic() - started,
        counts=counts,
        localization=() if locator is None else locator.results(),
        traits=tuple(looks for _, looks in everyone if looks is not None),
    )
