"""What in the annotations of a folder contradicts itself or the images."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from crowdkit.data.annotations import ImageHeads, listed_labels
from crowdkit.data.geometry import to_canvas
from crowdkit.data.image import read_header
from crowdkit.data.issues import Issue
from crowdkit.errors import DataError

if TYPE_CHECKING:
    from crowdkit.data.datasets.folder import CrowdFolder

# Heads spread over an image lie in its corner of 100 x 100 pixels by chance less often than this.
_CHANCE = 0.02
# Shares of heads outside: of an image's (and at least two), and of the set's.
_OF_IMAGE, _OF_SET = 0.25, 0.1


def wrong_units(dataset: "CrowdFolder") -> dict[str, str]:
    """Find images whose heads can only be fractions or percent, where the files do not say so.

    Args:
        dataset: The images.

    Returns:
        By the image's name, why its heads are refused.
    """
    unsaid: dict[int, Tensor] = {}
    for index, heads in _read(dataset):
        points = heads.points[heads.points.isfinite().all(dim=1)]
        if heads.unit is None and len(points):
            unsaid[index] = points
    found = {
        dataset.names[index]: _refusal(dataset, index, "fraction", "the first pixel, [0, 1] x [0, 1]")
        for index, points in unsaid.items()
        if _within(points, 1) and _places(points) > 1
    }
    rest = {index: points for index, points in unsaid.items() if dataset.names[index] not in found}
    if rest and all(_within(points, 100) for points in rest.values()) and _unlikely(dataset, rest):
        one = all(_within(points, 1) for points in rest.values())
        unit, where = ("fraction", "[0, 1] x [0, 1]") if one else ("percent", "[0, 100] x [0, 100]")
        found |= {
            dataset.names[index]: _refusal(dataset, index, unit, f"{where} in every image") for index in rest
        }
    return found


def _unlikely(dataset: "CrowdFolder", points: Mapping[int, Tensor]) -> bool:
    """Tell whether so many heads in the corner of their images are no chance."""
    largest = 0.0
    for index in points:
        try:
            height, width = dataset.stored_size(index)
        except DataError:
            continue  # reported when the image is read
        if min(height, width) <= 100:
            return False
        largest = max(largest, 1e4 / (height * width))
    return 0 < largest ** _places(torch.cat(list(points.values()))) < _CHANCE


def _places(points: Tensor) -> int:
    """Count heads that lie at different places."""
    return len(set(map(tuple, points.tolist())))


def _within(points: Tensor, end: float) -> bool:
    return bool(((points >= 0) & (points <= end)).all())


def _refusal(dataset: "CrowdFolder", index: int, unit: str, where: str) -> str:
    return (
        f"{dataset.records[index].annotation}: expected heads in pixels, got all within {where}; they seem to be "
        f"parts of the image: pass units='{unit}', or units='pixels' if they are right"
    )


def find_doubts(dataset: "CrowdFolder") -> list[Issue]:
    """List contradictions; see :meth:`~crowdkit.data.CrowdFolder.doubts`."""
    issues = [Issue("left out", dataset.name, each) for each in dataset.left_out]
    issues += [Issue("not read", dataset.name, each) for each in dataset.unread]
    chosen = dataset._chosen
    if isinstance(chosen, str):
        return [*issues, Issue("classes", dataset.name, chosen)]
    others = {
        label: number
        for label, number in dataset.labels.items()
        if chosen is not None and label not in chosen
    }
    if others:
        counted = listed_labels({label: dataset.labels[label] for label in chosen or ()})
        message = f"of the classes {counted} is counted, {listed_labels(others)} is left out; choose others with label="
        issues.append(Issue("left out", dataset.name, message, sum(others.values())))
    left_out: Counter[str] = Counter()
    inside = outside = 0
    worst = (0, -1)
    for index, heads in _read(dataset):
        left_out.update(heads.left_out)
        name = dataset.names[index]
        if name in dataset._wrong_units:
            issues.append(Issue("unit", name, dataset._wrong_units[name], len(heads)))
            continue
        found, on_image, off_image = _look_at(dataset, index, heads)
        issues += found
        inside, outside = inside + on_image, outside + off_image
        worst = max(worst, (off_image, index))
    for kind, number in left_out.items():
        message = f"{number} x {kind}: not read as heads; mark heads as points, boxes, circles or polygons"
        issues.append(Issue("left out", dataset.name, message))
    many = any(issue.kind in ("many outside", "x and y", "another size") for issue in issues)
    if outside and not many and outside >= _OF_SET * (inside + outside):
        issues.append(_outside(dataset, worst[1], outside, inside + outside))
    errors = any(issue.severity == "error" for issue in issues) or not any(True for _ in _read(dataset))
    if not inside and not outside and not errors:
        message = f"{dataset.name}: no head in any image; give the annotations of these images (annotations=)"
        issues.append(Issue("no heads", dataset.name, message))
    return issues


def _read(dataset: "CrowdFolder") -> Iterator[tuple[int, ImageHeads]]:
    for index in range(len(dataset)):
        try:
            heads = dataset.written(index)
        except DataError:
            continue  # reported as an annotation that cannot be read
        if heads is not None:
            yield index, heads


def _look_at(dataset: "CrowdFolder", index: int, heads: ImageHeads) -> tuple[list[Issue], int, int]:
    """Compare one image with its annotation; return what is wrong and how many heads lie inside and outside."""
    record, issues = dataset.records[index], []
    where, read = record.annotation, len(heads) + heads.regions
    if heads.stated_total is not None and heads.stated_total != read:
        message = (
            f"{where}: it says {heads.stated_total} heads and has {read}; count them again, or name the format "
            "(format=)"
        )
        issues.append(Issue("another total", record.name, message, abs(heads.stated_total - read)))
    if heads.regions:
        message = f"{where}: a region of many (iscrowd) in {record.image.name}; mark its heads, or pass regions='skip'"
        return [*issues, Issue("region", record.name, message)], 0, 0
    try:
        size, turned = dataset.stored_size(index), read_header(record.image).orientation in (5, 6, 7, 8)
        points = dataset.raw_points(index)
    except DataError:
        return issues, 0, 0  # reported when the image is read
    points = points[points.isfinite().all(dim=1)]
    dropped = to_canvas(points, size).dropped
    other = _another_size(heads, size, turned=turned and not dataset.orient)
    many = dropped >= max(2, _OF_IMAGE * len(points)) or (dropped and dropped > len(points) / 2)
    if other is not None:
        issues.append(Issue("another size", record.name, f"{where}: {other}", dropped))
    elif many:
        kind, hint = _why_outside(points, size, dropped, turned=turned and not dataset.orient)
        message = f"{where}: {dropped} of {len(points)} heads lie outside the image of {_text(size)}; {hint}"
        issues.append(Issue(kind, record.name, message, dropped))
    return issues, len(points) - dropped, dropped


def _outside(dataset: "CrowdFolder", index: int, outside: int, total: int) -> Issue:
    """Say why so many of the set's heads may lie outside, from the image that has most of them."""
    record = dataset.records[index]
    turned = not dataset.orient and read_header(record.image).orientation in (5, 6, 7, 8)
    points = dataset.raw_points(index)
    points, size = points[points.isfinite().all(dim=1)], dataset.stored_size(index)
    kind, hint = _why_outside(points, size, to_canvas(points, size).dropped, turned=turned)
    message = f"{outside} of {total} heads lie outside their images; in {record.annotation} {hint}"
    return Issue(kind, dataset.name, message, outside)


def _another_size(heads: ImageHeads, size: tuple[int, int], *, turned: bool) -> str | None:
    """Say what it means that a file gives its image another size than it has."""
    written = heads.image_size
    if written is None or written == size:
        return None
    said = f"it was made on an image of {_text(written)}, and the image has {_text(size)}"
    if written == size[::-1]:
        hint = (
            "orient=True turns the image as its EXIF tag says"
            if turned
            else "the image was turned: turn it back"
        )
        return f"{said}; {hint}"
    ratio = written[0] / size[0], written[1] / size[1]
    same_shape = abs(ratio[0] - ratio[1]) <= 0.01 * max(ratio)
    if same_shape and heads.unit in ("fraction", "percent"):
        return None  # parts of an image are the same at any resolution
    if same_shape:
        return f"{said}, another resolution; give the images that were annotated, or write the heads as fractions"
    return f"{said}; give the images that were annotated"


def _why_outside(points: Tensor, size: tuple[int, int], dropped: int, *, turned: bool) -> tuple[str, str]:
    """Say why heads may lie outside their image: the kind of the finding, and what to do."""
    swapped = to_canvas(points.flip(1), size).dropped
    on_upright = to_canvas(points, size[::-1]).dropped
    if turned and 2 * on_upright < dropped:
        return "many outside", "they fit the upright image: use orient=True"
    if 2 * swapped < dropped:
        return "x and y", "they fit with x and y swapped: write x first"
    reach = points.max(dim=0).values / torch.tensor([size[1], size[0]], dtype=torch.float64)
    times = float(reach.max())
    return (
        "many outside",
        f"they reach to {times:.1f} times its sides: were they marked at another resolution?",
    )


def _text(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]}"
