"""Look at every file of a data set and list what is wrong, without stopping at the first."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from crowdkit.data.annotations import listed_labels
from crowdkit.data.datasets.base import CrowdData, CrowdDataset
from crowdkit.data.geometry import in_region, to_canvas
from crowdkit.data.image import read_header, read_image
from crowdkit.data.issues import Issue
from crowdkit.errors import ArgumentError, DataError, DataWarning


@dataclass(frozen=True)
class Report:
    """What :func:`check_dataset` found.

    Attributes:
        dataset: The data set's name.
        split: Its split.
        images: How many images it has.
        people: Heads on their images, all together.
        fewest: Heads in the emptiest image.
        most: Heads in the fullest image.
        grayscale: Images without color.
        sizes: How many image files have each size ``"HxW"``, the most frequent first.
        issues: The findings: of the whole set, then in the order of the images.
        labels: How many heads each class has, where the annotations have classes.
    """

    dataset: str
    split: str
    images: int
    people: int
    fewest: int
    most: int
    grayscale: int
    sizes: dict[str, int]
    issues: tuple[Issue, ...]
    labels: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing is an error."""
        return not any(issue.severity == "error" for issue in self.issues)

    @property
    def classes(self) -> str:
        """The classes with their numbers of heads, in words, the most frequent first."""
        return listed_labels(self.labels)

    def heads(self, kind: str) -> int:
        """Count the heads that findings of one kind concern, for example ``"clamped"``."""
        return sum(issue.heads for issue in self.issues if issue.kind == kind)

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain values, ready for JSON."""
        issues = [{**asdict(issue), "severity": issue.severity} for issue in self.issues]
        return {**asdict(self), "issues": issues, "ok": self.ok}


def check_dataset(
    dataset: CrowdData,
    *,
    progress: Callable[[Iterable[int]], Iterable[int]] | None = None,
) -> Report:
    """Read all images and annotations of a data set and report what is wrong with them.

    Args:
        dataset: A data set that lies on disk.
        progress: Wraps the loop over the images, for example ``tqdm.tqdm``.

    Returns:
        Totals and findings; problems in the files are reported, never raised.

    Raises:
        ArgumentError: If the data set has no files, like a synthetic one or a subset.
    """
    if not isinstance(dataset, CrowdDataset):
        raise ArgumentError(
            f"dataset: expected a data set of files (CrowdDataset), got {type(dataset).__name__}; "
            "check the whole data set it was made from"
        )
    doubts = dataset.doubts()
    issues = _check_whole(dataset) + doubts
    refused = {each.name for each in doubts if each.severity == "error"}
    counts: list[int] = []
    sizes: Counter[str] = Counter()
    grayscale = 0
    places: Iterable[int] = range(len(dataset))
    for index in places if progress is None else progress(places):
        size, gray, found = _check_image(dataset, index)
        issues += found
        if size is not None:
            sizes[f"{size[0]}x{size[1]}"] += 1
            grayscale += gray
        if not dataset.annotated:
            continue
        count, found = _check_points(dataset, index, size)
        if count is None and refused & {dataset.names[index], dataset.name}:
            continue  # why its heads are refused has been said
        issues += found
        if count is not None:
            counts.append(count)
    return Report(
        dataset=dataset.name,
        split=dataset.split,
        images=len(dataset),
        people=sum(counts),
        fewest=min(counts, default=0),
        most=max(counts, default=0),
        grayscale=grayscale,
        sizes=dict(sizes.most_common()),
        issues=tuple(issues),
        labels=dict(getattr(dataset, "labels", {})),
    )


def warn_of_doubts(dataset: CrowdData) -> None:
    """Warn of what a data set contradicts itself in, one line for each kind of finding.

    Args:
        dataset: Any data set; those without files have no doubts.
    """
    if not isinstance(dataset, CrowdDataset):
        return
    doubts = [each for each in dataset.doubts() if each.severity != "note"]
    for kind, count in Counter(each.kind for each in doubts).items():
        first = next(each.message for each in doubts if each.kind == kind)
        more = f" (and {count - 1} more; see crowdkit check)" if count > 1 else ""
        warnings.warn(f"{first}{more}", DataWarning, stacklevel=2)


def _check_whole(dataset: CrowdDataset) -> list[Issue]:
    issues = [Issue("no image", name, f"{name}: an annotation without an image") for name in dataset.unpaired]
    if dataset.absent:
        first, total = dataset.absent[0], len(dataset.absent) + len(dataset)
        message = f"{len(dataset.absent)} of {total} images are not there, the first is {first}"
        issues.append(Issue("incomplete", first, message))
    if not dataset.annotated:
        message = f"the heads of {dataset.name}, split {dataset.split}, are not published"
        issues.append(Issue("unpublished", dataset.name, message))
    return issues


def _check_image(dataset: CrowdDataset, index: int) -> tuple[tuple[int, int] | None, bool, list[Issue]]:
    record = dataset.records[index]
    try:
        header = read_header(record.image)
        size = dataset.stored_size(index)
        read_image(record.image)
    except DataError as error:
        return None, False, [Issue("unreadable image", record.name, str(error))]
    issues = []
    if header.orientation != 1 and not dataset.orient:
        message = (
            f"{record.image}: EXIF orientation {header.orientation} is ignored, the pixels are read "
            "as stored; if the heads were marked on the upright image, use orient=True"
        )
        issues.append(Issue("turned", record.name, message))
    if header.pages > 1:
        message = f"{record.image}: the first of {header.pages} pages is read; save the others as images of their own"
        issues.append(Issue("pages", record.name, message))
    return size, header.grayscale, issues


def _check_points(
    dataset: CrowdDataset, index: int, size: tuple[int, int] | None
) -> tuple[int | None, list[Issue]]:
    record = dataset.records[index]

    def issue(kind: str, message: str, heads: int = 0) -> Issue:
        return Issue(kind, record.name, message, heads)

    if not dataset.has_annotation(index):
        return None, [issue("missing annotation", f"{record.image}: no heads in {record.annotation}")]
    try:
        points = dataset.raw_points(index)
    except DataError as error:
        return None, [issue("unreadable annotation", str(error))]
    where = record.annotation
    issues = []
    finite = points.isfinite().all(dim=1)
    bad = int((~finite).sum())
    if bad:
        issues.append(issue("not finite", f"{where}: {_heads(bad)} with NaN or infinity", bad))
    points = points[finite]
    again = len(points) - len(set(map(tuple, points.tolist())))
    if again:
        issues.append(
            issue("duplicate heads", f"{where}: {_heads(again)} at the very place of another", again)
        )
    if size is None:
        return None, issues
    on_canvas = to_canvas(points, size)
    beyond = 0 if bad else _out_of_region(dataset, index)
    for kind, heads, what in (
        ("outside", on_canvas.dropped, "a pixel or more outside the image, dropped"),
        ("clamped", on_canvas.clamped, "less than a pixel outside, moved onto the image"),
        ("out of region", beyond, "outside the region of interest, not counted"),
    ):
        if heads:
            issues.append(issue(kind, f"{where}: {_heads(heads)} {what}", heads))
    if not len(on_canvas.points):
        issues.append(issue("empty", f"{where}: nobody in the image"))
    return len(on_canvas.points), issues


def _out_of_region(dataset: CrowdDataset, index: int) -> int:
    region = dataset.roi(index)
    return 0 if region is None else int((~in_region(dataset.annotation(index).points, region)).sum())


def _heads(number: int) -> str:
    return "1 head" if number == 1 else f"{number} heads"
