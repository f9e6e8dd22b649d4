"""How far a model's counts may be trusted, from what it says of images whose count is known."""

from collections.abc import Iterable, Sequence

import torch

from crowdkit.calibration import Calibration, CountInterval, Domain, HeldOut, Traits
from crowdkit.data import CrowdData, Transform
from crowdkit.errors import ArgumentError
from crowdkit.evaluation._evaluate import evaluate
from crowdkit.evaluation.result import ImageCount, Result
from crowdkit.models import CrowdModel


def calibrate(
    model: CrowdModel,
    seen: Sequence[CrowdData],
    held_out: Sequence[CrowdData],
    *,
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

    def measured(sets: Sequence[CrowdData]) -> Iterable[Result]:
        for each in sets:
            yield evaluate(
                model,
                each,
                transform=transform,
                map_metrics=False,
                traits=True,
                device=device,
                precision=precision,
                progress=progress,
            )

    return calibrate_results(measured(seen), measured(held_out), zoom=zoom, coverage=coverage, share=share)


def calibrate_results(
    seen: Iterable[Result],
    held_out: Iterable[Result],
    *,
    zoom: tuple[float, float] = (1.0, 1.0),
    coverage: float = 0.9,
    share: float = 0.05,
) -> Calibration:
    """Learn how far a model's counts may be trusted, from what :func:`evaluate` has found with ``traits=True``.

    It spares a second pass where the held-out images are evaluated anyway. The held-out results are used first, so
    that too few images are reported before a generator of ``seen`` does its work.

    Args:
        seen: The results on the images that the model was trained on, as they are.
        held_out: The results on images like these that it was not trained on.
        zoom: As for :func:`calibrate`, like what follows.
        coverage: The share of images whose true count shall lie inside the interval.
        share: The share of images of the same kind that may be said to be unusual.

    Returns:
        The calibration.

    Raises:
        ArgumentError: If there are too few images, or a result has no traits.

    Examples:
        >>> from crowdkit.data import SyntheticCrowd
        >>> from crowdkit.models import create_model
        >>> scenes = SyntheticCrowd(20, size=(64, 64), people=(0, 9))
        >>> result = evaluate(create_model("mcnn"), scenes, traits=True, device="cpu")
        >>> calibrate_results([result], [result]).interval.images
        20
    """
    rows = [
        (f"{result.dataset}/{count.name}", count, traits)
        for result in held_out
        for count, traits in _with_traits(result)
    ]
    interval = CountInterval.fit(
        [count.people for _, count, _ in rows],
        [round(count.count, 3) for _, count, _ in rows],
        coverage=coverage,
    )
    domain = Domain.fit(
        [traits for result in seen for _, traits in _with_traits(result)], share=share, zoom=zoom
    )
    return Calibration(
        interval=interval,
        domain=domain,
        held_out=tuple(
            HeldOut(
                name=name,
                people=count.people,
                estimate=round(count.count, 3),
                megapixels=traits.megapixels,
                unusual=domain.unusual(traits),
            )
            for name, count, traits in rows
        ),
    )


def _with_traits(result: Result) -> list[tuple[ImageCount, Traits]]:
    if len(result.traits) != result.images:
        raise ArgumentError(
            f"results: expected the traits of the {result.images} images of {result.dataset}, got "
            f"{len(result.traits)}; evaluate with traits=True"
        )
    return list(zip(result.counts, result.traits, strict=True))
