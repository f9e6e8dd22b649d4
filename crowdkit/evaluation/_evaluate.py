"""Measuring a model, or a guess, on whole images."""

from collections.abc import Sequence

import torch
from torch import Tensor, distributed as dist

from crowdkit.counting import Method, eval_copy, predict_density
from crowdkit.data import CrowdData, Sample, Transform, in_region, region_of_interest, resolve_sigma
from crowdkit.errors import ArgumentError
from crowdkit.evaluation.result import Result
from crowdkit.models import CrowdModel
from crowdkit.ops import region_share
from crowdkit.runtime import pick_device
from crowdkit.targets import SigmaRule


def evaluate(
    model: CrowdModel,
    dataset: CrowdData,
    *,
    sigma: float | str | SigmaRule = "auto",
    transform: Transform | None = None,
    map_metrics: bool = True,
    full_resolution: bool = False,
    points: Method | None = None,
    distances: Sequence[float] = (4.0, 8.0),
    traits: bool = False,
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
        map_metrics: Compare the maps with the true ones too. If false, the true maps are not made, and GAME, SSIM,
            PSNR and the background ratio are NaN.
        full_resolution: Take SSIM and PSNR at the images' own size, the estimate enlarged bilinearly.
        points: Also locate heads in the maps, by ``"transport"`` or ``"peaks"``
            (:func:`~crowdkit.counting.locate`), and give precision, recall and F1.
        distances: How far a point may be from its head, in pixels.
        traits: Also take the images' traits, from which :func:`calibrate_results` learns what the model has seen.
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
    # torchmetrics takes a second to import.
    from crowdkit.evaluation._map_metrics import MapMetrics
    from crowdkit.evaluation._measure import WholeImages, measure
    from crowdkit.evaluation.localization import HeadLocator

    place = pick_device(str(device))
    model = eval_copy(model, place)
    rule = resolve_sigma(sigma, dataset)
    maps = MapMetrics(rule=rule, stride=model.stride, full_resolution=full_resolution, device=place)
    return measure(
        WholeImages(dataset, transform),
        lambda sample: predict_density(model, sample.image, device=place, precision=precision),
        rule=rule,
        stride=model.stride,
        maps=maps if map_metrics else None,
        locator=None if points is None else HeadLocator(points, distances, device=place),
        traits=traits,
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
    map_metrics: bool = True,
    full_resolution: bool = False,
    progress: bool = False,
) -> Result:
    """Measure what "always predict the training mean" gives: a uniform map of the mean count.

    A model that does not beat it has learned nothing. No pixel is read.

    Args:
        train_set: The images whose mean is predicted.
        dataset: The images to measure on.
        sigma: As for :func:`evaluate`.
        transform: As for :func:`evaluate`.
        stride: Stride of the maps, that of the model to compare with.
        map_metrics: As for :func:`evaluate`.
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
    from crowdkit.evaluation._map_metrics import MapMetrics
    from crowdkit.evaluation._measure import WholeImages, measure

    if len(train_set) == 0:
        raise ArgumentError("train_set: expected at least one image, got none; check the data set's folder")
    mean = sum(_people(train_set, index) for index in range(len(train_set))) / len(train_set)

    def guess(sample: Sample) -> Tensor:
        height, width = (-(-side // stride) for side in sample.image.shape[-2:])
        cells = height * width if sample.roi is None else float(region_share(sample.roi, stride=stride).sum())
        return torch.full((1, 1, height, width), mean / (cells or 1))

    device = torch.device("cuda", torch.cuda.current_device()) if _on_gpus() else torch.device("cpu")
    rule = resolve_sigma(sigma, dataset)
    maps = MapMetrics(rule=rule, stride=stride, full_resolution=full_resolution, device=device)
    return measure(
        WholeImages(dataset, transform, pixels=False),
        guess,
        rule=rule,
        stride=stride,
        maps=maps if map_metrics else None,
        device=device,
        workers=0,
        progress=progress,
    )


def _people(dataset: CrowdData, index: int) -> int:
    region = region_of_interest(dataset, index)
    if region is None:
        return dataset.count(index)
    return int(in_region(dataset.annotation(index).points, region).sum())


def _on_gpus() -> bool:
    return dist.is_initialized() and dist.get_backend() == "nccl"
