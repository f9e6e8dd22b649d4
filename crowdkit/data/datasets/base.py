"""What all data sets have in common: records in natural order, read when they are asked for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from torch import Tensor
from torch.utils.data import Dataset

from crowdkit.data.geometry import resize_points, to_canvas
from crowdkit.data.image import read_image, read_size
from crowdkit.data.issues import Issue
from crowdkit.data.sample import Annotation, Sample
from crowdkit.data.transforms import Resize, Transform
from crowdkit.errors import DataError
from crowdkit.targets import box_sigma


@dataclass(frozen=True)
class Record:
    """One image of a data set and where its heads are.

    Attributes:
        name: The image's file stem.
        image: The image file.
        annotation: The file with its heads.
    """

    name: str
    image: Path
    annotation: Path


class CrowdData(Protocol):
    """What the library asks of a data set; any class that has it will do.

    ``names`` are unique within the data set and ``split`` is ``"train"``, ``"val"`` or ``"test"``. A data set
    with a region of interest also has a method ``roi(index)``, which gives it without decoding the image.
    """

    name: str
    split: str
    names: list[str]
    sigma_rule: str

    def __len__(self) -> int:
        """Give the number of images."""
        ...

    def __getitem__(self, index: int) -> Sample:
        """Read one image and its heads."""
        ...

    def annotation(self, index: int) -> Annotation:
        """Read the heads of one image without decoding it."""
        ...

    def size(self, index: int) -> tuple[int, int]:
        """Give height and width of one image without decoding it."""
        ...

    def count(self, index: int) -> int:
        """Give the number of heads of one image."""
        ...


class CrowdDataset(Dataset[Sample]):
    """Images with heads, read from disk one at a time.

    A new data set is a subclass of a few lines: its constructor finds the files and calls this one, and
    :meth:`raw_points` reads the heads of one record.

    Args:
        records: The images, in any order; they are kept in natural order of their names (2 before 10).
        name: What the data set is called, for example ``"ShanghaiTech part_A"``.
        split: ``"train"``, ``"val"`` or ``"test"``.
        sigma_rule: The rule for its density maps that published work uses.
        orient: Whether images are turned upright as their EXIF tag says.
        resize: What size the data set's images have, if not their own; sizes, heads and samples follow it.
        unpaired: Annotations that were found but belong to no image.
        absent: Names of images that the data set should have but that are not there.
        annotated: Whether heads were published for these images at all.
        transform: Applied to every sample, with torch's global generator.

    Attributes:
        has_val: Whether the data set comes with a validation split of its own, ``split="val"``.
    """

    has_val: ClassVar[bool] = False

    def __init__(
        self,
        records: Sequence[Record],
        *,
        name: str,
        split: str,
        sigma_rule: str = "cfanet",
        orient: bool = False,
        resize: Resize | None = None,
        unpaired: Sequence[str] = (),
        absent: Sequence[str] = (),
        annotated: bool = True,
        transform: Transform | None = None,
    ) -> None:
        self.records = sorted(records, key=lambda record: natural_key(record.name))
        self.names = [record.name for record in self.records]
        self.name = name
        self.split = split
        self.sigma_rule = sigma_rule
        self.orient = orient
        self.resize = resize
        self.unpaired = tuple(unpaired)
        self.absent = tuple(absent)
        self.annotated = annotated
        self.transform = transform

    def raw_points(self, index: int) -> Tensor:
        """Read the heads of one image as annotated, also those outside.

        Args:
            index: Which image.

        Returns:
            Shape (N, 2), float64 (x, y) in continuous coordinates.
        """
        raise NotImplementedError

    def head_sizes(self, index: int) -> Tensor | None:  # noqa: ARG002
        """Read the side of each head of :meth:`raw_points` in pixels, shape (N,); ``None`` where it is not known."""
        return None

    def has_annotation(self, index: int) -> bool:
        """Tell whether the heads of one image are there to be read."""
        return self.records[index].annotation.is_file()

    def details(self, index: int) -> dict[str, Any]:  # noqa: ARG002
        """Give what else is known of one image; it stands in the sample's ``meta``."""
        return {}

    def roi(self, index: int) -> Tensor | None:  # noqa: ARG002
        """Give the region of interest of one image, bool, shape (H, W) of :meth:`size`; ``None`` is everywhere."""
        return None

    def doubts(self) -> list[Issue]:
        """List what is wrong with the annotations as a whole, found without decoding an image."""
        return []

    def annotation(self, index: int) -> Annotation:
        """Read the heads of one image without decoding it.

        Args:
            index: Which image.

        Returns:
            The heads on the image's canvas, and how many were clamped or dropped.

        Raises:
            DataError: If a file is missing or damaged, a coordinate is not finite, or no heads were published.
        """
        annotation = self._stored_annotation(index)
        if self.resize is None:
            return annotation
        old, new = self.stored_size(index), self.size(index)
        sizes = annotation.sizes
        if sizes is not None:
            sizes = sizes * (new[0] * new[1] / (old[0] * old[1])) ** 0.5
        return annotation._replace(points=resize_points(annotation.points, old, new), sizes=sizes)

    def stored_size(self, index: int) -> tuple[int, int]:
        """Give height and width of one image as its file has them, without decoding it."""
        return read_size(self.records[index].image, orient=self.orient)

    def size(self, index: int) -> tuple[int, int]:
        """Give height and width of one image without decoding it."""
        size = self.stored_size(index)
        return size if self.resize is None else self.resize.output_size(size)

    def count(self, index: int) -> int:
        """Give the number of heads of one image that lie on it."""
        return len(self.annotation(index).points)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Sample:
        record = self.records[index]
        points, clamped, dropped, sizes = self._stored_annotation(index)
        meta = {
            "name": record.name,
            "path": str(record.image),
            "dataset": self.name,
            "split": self.split,
            "clamped": clamped,
            "dropped": dropped,
            **self.details(index),
        }
        sigma = None if sizes is None else box_sigma(sizes)
        sample = Sample(read_image(record.image, orient=self.orient), points, meta, sigma)
        if self.resize is not None:
            sample = self.resize(sample)
        sample = sample._replace(roi=self.roi(index))
        return sample if self.transform is None else self.transform(sample)

    def _stored_annotation(self, index: int) -> Annotation:
        record = self.records[index]
        if not self.annotated:
            raise DataError(
                f"{record.image}: expected its heads, got the split {self.split!r} of {self.name}, whose heads are "
                "not published; count its images (dataset.records[i].image) and send the counts to the benchmark"
            )
        points, size = self.raw_points(index), self.stored_size(index)
        sizes = self.head_sizes(index)
        try:
            return to_canvas(points, size, sizes=sizes)
        except DataError as error:
            raise DataError(f"{record.annotation}: {error}") from error

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, split={self.split!r}, {len(self)} images)"


def region_of_interest(dataset: CrowdData, index: int) -> Tensor | None:
    """Give the region of interest of one image of any data set; ``None`` is everywhere."""
    find = getattr(dataset, "roi", None)
    found: Tensor | None = None if find is None else find(index)
    return found


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Make the key that sorts ``IMG_2`` before ``IMG_10``."""
    parts = re.split(r"(\d+)", name)
    # Numbers and words alternate, so tuples of two names compare like with like.
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part)
