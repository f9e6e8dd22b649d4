"""What an evaluation found, and how it is laid out."""

from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

from crowdkit.calibration import Traits

METRICS = ("mae", "rmse", "nae", "game1", "game2", "game3", "ssim", "psnr", "background_ratio")


@dataclass(frozen=True, kw_only=True)
class ImageCount:
    """One image of an evaluation.

    Attributes:
        name: The image's name.
        people: How many there are.
        count: How many were estimated.
    """

    name: str
    people: int
    count: float


@dataclass(frozen=True, kw_only=True)
class LocalizationResult:
    """How many heads were found near where they are, each by a point of its own.

    Attributes:
        method: How points were made of the density maps.
        distance: The largest distance of a pair of a point and a head, in pixels.
        precision: Share of the points that are heads; NaN if there was no point.
        recall: Share of the heads that were found; NaN if there was nobody.
        f1: Harmonic mean of the two.
    """

    method: str
    distance: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, kw_only=True)
class Result:
    """What an evaluation found.

    Attributes:
        mae: Mean absolute error of the counts.
        mae_interval: The MAE's 90 % bootstrap interval: between which numbers the MAEs of nine in ten of 2,000
            resamples of the images lie (drawn with replacement, seed 0; the 5th and 95th percentiles). A second
            set of as many images of the same kind easily has an MAE anywhere inside.
        rmse: Root mean squared error of the counts.
        nae: Mean error relative to the true count, over the images with people.
        game1: GAME(1): errors summed over 2 x 2 parts of each image.
        game2: GAME(2): over 4 x 4 parts.
        game3: GAME(3): over 8 x 8 parts.
        ssim: Structural similarity of the density maps; of those with at least 11 cells a side, NaN if none.
        psnr: Peak signal-to-noise ratio of the density maps, in dB.
        background_ratio: Share of the estimate that lies where nobody is.
        images: Number of images.
        people: Number of people in them.
        dataset: Name of the data set.
        split: The split that the figures come from.
        stride: Stride of the density maps.
        sigma: Rule for the spread of a head in the true maps.
        protocol: How the map metrics were taken.
        seconds: Time it took.
        counts: The single images.
        localization: How well heads were located, at each distance; empty if that was not asked for.
        traits: What the single images look like; empty if that was not asked for.
    """

    mae: float
    mae_interval: tuple[float, float]
    rmse: float
    nae: float
    game1: float
    game2: float
    game3: float
    ssim: float
    psnr: float
    background_ratio: float
    images: int
    people: int
    dataset: str
    split: str
    stride: int
    sigma: str
    protocol: str
    seconds: float
    counts: tuple[ImageCount, ...]
    localization: tuple[LocalizationResult, ...] = ()
    traits: tuple[Traits, ...] = ()

    def metrics(self) -> dict[str, float]:
        """Return the figures alone, by name."""
        return {name: getattr(self, name) for name in METRICS}

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)

    def __str__(self) -> str:
        return results_table({"": self})


def results_table(results: dict[str, Result]) -> str:
    """Lay out results on the same images side by side.

    Args:
        results: Headings to results.

    Returns:
        A few lines of text that say which images the figures come from.
    """
    first = next(iter(results.values()))
    labels = {
        "mae": "MAE", "rmse": "RMSE", "nae": "NAE",
        "game1": "GAME(1)", "game2": "GAME(2)", "game3": "GAME(3)",
        "ssim": "SSIM", "psnr": "PSNR (dB)", "background_ratio": "background ratio",
    }  # fmt: skip
    lines = [
        f"{first.dataset}, split {first.split}: {first.images} images, {first.people} people",
        f"true maps: sigma {first.sigma}, stride {first.stride}; {first.protocol}",
    ]
    spreads = ["-".join(f"{end:.2f}" for end in each.mae_interval) for each in results.values()]
    width = max(10, *(len(text) + 2 for text in (*results, *spreads)))
    if any(results):
        lines.append(" " * 18 + "".join(heading.rjust(width) for heading in results))
    for name in METRICS:
        if all(isnan(getattr(each, name)) for each in results.values()):
            continue
        digits = 2 if name in ("mae", "rmse", "game1", "game2", "game3", "psnr") else 3
        row = "".join(f"{getattr(each, name):.{digits}f}".rjust(width) for each in results.values())
        lines.append(labels[name].ljust(18) + row)
        if name == "mae":
            lines.append("  90 % bootstrap".ljust(18) + "".join(each.rjust(width) for each in spreads))
    lines += _localization_lines(list(results.values()), width)
    return "\n".join(lines)


def _localization_lines(results: list[Result], width: int) -> list[str]:
    """Lay out what was located, for those results that have it."""
    distances = sorted({each.distance for result in results for each in result.localization})
    methods = sorted({each.method for result in results for each in result.localization})
    lines = [f"heads located by {' and '.join(methods)}:"] if distances else []
    for distance in distances:
        of_distance = [
            next((each for each in result.localization if each.distance == distance), None)
            for result in results
        ]
        for name in ("precision", "recall", "f1"):
            cells = ["-" if each is None else f"{getattr(each, name):.3f}" for each in of_distance]
            label = f"{'F1' if name == 'f1' else name} ({distance:g} px)"
            lines.append(label.ljust(18) + "".join(cell.rjust(width) for cell in cells))
    return lines
