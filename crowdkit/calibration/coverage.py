"""The measured coverage of an interval: fitted on one half of the images, measured on the other, repeatedly."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from crowdkit.calibration.interval import CountInterval
from crowdkit.errors import ArgumentError


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """The share of images whose true count lay inside an interval fitted on other images.

    Attributes:
        least: Lowest estimated density of these images, in people per megapixel.
        most: Highest estimated density of these images, in people per megapixel.
        images: Number of images.
        mean: The share, averaged over the halvings.
        spread: Its standard deviation over the halvings.
        width: Width of the interval divided by the estimate: median over images, averaged over the halvings.
    """

    least: float
    most: float
    images: int
    mean: float
    spread: float
    width: float


def measure_coverage(
    people: Sequence[float],
    estimates: Sequence[float],
    densities: Sequence[float],
    *,
    coverage: float = 0.9,
    halvings: int = 1000,
    bands: int = 3,
    seed: int = 0,
) -> tuple[Coverage, ...]:
    """Measure the coverage of a :class:`~crowdkit.calibration.CountInterval`.

    The images are halved at random; the interval is fitted on one half and tested on the other; this is repeated.

    Args:
        people: True counts of held-out images.
        estimates: Estimated counts.
        densities: Estimated people per megapixel, by which the images are sorted into bands.
        coverage: The share of images that should lie inside.
        halvings: Number of halvings.
        bands: Number of bands, with as equal a number of images as possible.
        seed: Seed of the halvings.

    Returns:
        The coverage over all images, and then in each band, from sparse to dense.

    Raises:
        ArgumentError: If there are too few images to fit on half of them, or to form that many bands.

    Examples:
        >>> people = [20.0 * n for n in range(1, 41)]
        >>> found = [(0.9 + 0.01 * (n % 21)) * each for n, each in enumerate(people)]
        >>> everywhere, *bands = measure_coverage(people, found, found, halvings=100)
        >>> everywhere.mean > 0.85, [band.images for band in bands]
        (True, [14, 13, 13])
    """
    images = len(people)
    if len(densities) != images or len(estimates) != images:
        raise ArgumentError(
            f"densities: expected {images} estimates and densities, got {len(estimates)} and {len(densities)}"
        )
    if not 1 <= bands <= images or halvings < 1:
        raise ArgumentError(
            f"bands: expected 1 to {images} bands and a halving, got {bands} bands, {halvings} halvings"
        )
    order = torch.tensor(list(densities), dtype=torch.float64).argsort(stable=True)
    groups = [torch.arange(images), *order.tensor_split(bands)]
    truth = torch.tensor(list(people), dtype=torch.float64)
    found = torch.tensor(list(estimates), dtype=torch.float64).clamp_min(1.0)
    shares: list[list[float]] = [[] for _ in groups]
    widths: list[list[float]] = [[] for _ in groups]
    draw = torch.Generator().manual_seed(seed)
    for _ in range(halvings):
        drawn = torch.randperm(images, generator=draw)
        half = drawn[: math.ceil(images / 2)].tolist()
        interval = CountInterval.fit(
            [people[each] for each in half], [estimates[each] for each in half], coverage=coverage
        )
        tried = torch.zeros(images, dtype=torch.bool)
        tried[drawn[len(half) :]] = True
        ends = torch.tensor([interval(each) for each in estimates], dtype=torch.float64)
        inside = ((ends[:, 0] <= truth) & (truth <= ends[:, 1])).double()
        relative = (ends[:, 1] - ends[:, 0]) / found
        for group, share, width in zip(groups, shares, widths, strict=True):
            chosen = group[tried[group]]
            if len(chosen):
                share.append(float(inside[chosen].mean()))
                width.append(float(relative[chosen].median()))
    return tuple(
        _summary(densities, group, share, width)
        for group, share, width in zip(groups, shares, widths, strict=True)
    )


def coverage_table(measured: Sequence[Coverage]) -> str:
    """Format the result of :func:`measure_coverage` as a table.

    Args:
        measured: All images, then the bands.

    Returns:
        A Markdown table, or a sentence that there were too few images.
    """
    if not measured:
        return "Not measured: there are too few held-out images to fit on half of them."
    rows = [
        (
            "all" if place == 0 else f"{each.least:.0f} to {each.most:.0f}",
            str(each.images),
            f"{each.mean:.1%} ± {each.spread:.1%}",
            f"{each.width:.2f}",
        )
        for place, each in enumerate(measured)
    ]
    return markdown_table(("people per megapixel", "images", "covered", "width over estimate"), rows)


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out rows of text as a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _summary(densities: Sequence[float], group: Tensor, shares: list[float], widths: list[float]) -> Coverage:
    values = [densities[int(each)] for each in group]
    found = torch.tensor(shares, dtype=torch.float64)
    return Coverage(
        least=float(min(values)),
        most=float(max(values)),
        images=len(values),
        mean=float(found.mean()),
        spread=float(found.std(correction=0)),
        width=sum(widths) / len(widths),
    )
