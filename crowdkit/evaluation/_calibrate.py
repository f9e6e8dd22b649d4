"""A model is shown its images, to learn how far its counts may be trusted."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from tqdm import tqdm

from crowdkit.calibration import Calibration, CountInterval, Domain, HeldOut, Traits, image_traits
from crowdkit.counting import eval_copy, predict_density
from crowdkit.data import CrowdData, LazyImage, Transform, resolve_sigma, roi_map, roi_sample
from crowdkit.models import CrowdModel
from crowdkit.runtime import pick_device
from crowdkit.targets import SigmaRule


def calibrate(
    model: CrowdModel,
    seen: Sequence[CrowdData],
    held_out: Sequence[CrowdData],
    *,
    sigma: float | str | SigmaRule = "auto",
    transform: Transform | None = None,
    zoom: tuple[float, float] = (1.0, 1.0),
    coverage: float = 0.9,
    share: float = 0.05,
    device: str | torch.device = "auto",
    precision: str = "float32",
    progress: bool = False,
) -> Calibration:
    """Learn how far a model's counts may be trusted.

    The interval is fitted on held-out images, whose counts the model has not learned; never on test images, since it
    would no longer be known what it covers there. The bounds of what it has seen are those of the training images as
    they are, without augmentation.

    Args:
        model: The network.
        seen: The data sets that it was trained on.
        held_out: Images like these that it was not trained on, 19 at least for a coverage of 0.9.
        sigma: Spread of a head, where images have a region of interest; as for :func:`~crowdkit.evaluation.evaluate`.
        transform: What is done to every sample first, such as the resizing of the training.
        zoom: Smallest and largest magnification at which the training has shown its images.
        coverage: The share of images whose true count shall lie inside the interval.
        share: The share of images of the same kind that may be said to be unusual.
        device: Where to compute.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        progress: Whether to draw a progress bar.

    Returns:
        The calibration.

    Raises:
        ArgumentError: If there are too few images.

    Examples:
        >>> from crowdkit.data import SyntheticCrowd
        >>> from crowdkit.models import create_model
        >>> scenes = SyntheticCrowd(20, size=(64, 64), people=(0, 9))
        >>> found = calibrate(create_model("mcnn"), [scenes], [scenes], device="cpu")
        >>> found.interval.images, found.domain.images
        (20, 20)
    """
    place = pick_device(str(device))
    model = eval_copy(model, place)

    def show(sets: Sequence[CrowdData], what: str) -> Iterator[tuple[HeldOut, Traits]]:
        total = sum(len(each) for each in sets)
        with tqdm(total=total, desc=what, disable=not progress, unit="image", leave=False) as bar:
            for dataset in sets:
                rule = resolve_sigma(sigma, dataset)
                for index in range(len(dataset)):
                    sample = dataset[index] if transform is None else transform(dataset[index])
                    sample = roi_sample(sample, rule)
                    whole = predict_density(model, sample.image, device=place, precision=precision).cpu()
                    picture = LazyImage(sample.image)
                    traits = image_traits(picture, whole, stride=model.stride)
                    inside = roi_map(whole, sample, model.stride)
                    yield (
                        HeldOut(
                            name=f"{dataset.name}/{sample.meta['name']}",
                            people=len(sample.points),
                            estimate=round(float(inside.sum()), 3),
                            megapixels=traits.megapixels,
                        ),
                        traits,
                    )
                    bar.update()

    found = list(show(held_out, "held out"))
    interval = CountInterval.fit(
        [row.people for row, _ in found], [row.estimate for row, _ in found], coverage=coverage
    )
    domain = Domain.fit([traits for _, traits in show(seen, "seen")], share=share, zoom=zoom)
    rows = tuple(replace(row, unusual=domain.unusual(traits)) for row, traits in found)
    return Calibration(interval=interval, domain=domain, held_out=rows)
