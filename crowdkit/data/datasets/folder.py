"""Your own photographs, with heads as any annotation tool writes them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from crowdkit.data.annotations import UNITS, Convention, ImageHeads, Unit, choose_labels
from crowdkit.data.datasets._doubts import find_doubts, wrong_units
from crowdkit.data.datasets._pairing import find_pairs
from crowdkit.data.datasets.base import CrowdDataset, Record
from crowdkit.data.issues import Issue
from crowdkit.data.transforms import Transform
from crowdkit.errors import DataError, check_choice


class CrowdFolder(CrowdDataset):
    """A folder of images with their heads as an annotation tool exports them.

    The images lie in ``root`` or its ``images``, also in folders below. Their heads lie beside them, in a folder such
    as ``annotations``, ``labels`` or ``ground_truth``, or in one file for all. Every format of
    :func:`~crowdkit.data.annotations.list_formats` is recognized by its content, and belongs to an image by the name
    that is written in it or that the file has. An annotation without heads is an image without people. Where all images
    lie in folders called train, valid and test, ``split`` chooses among them.

    Args:
        root: The folder.
        annotations: The folder or the one file with the heads; searched for as above when ``None``.
        split: ``"train"``, ``"val"`` or ``"test"``: what the images are for.
        format: The files' format, one of :func:`~crowdkit.data.annotations.list_formats`; ``"auto"`` recognizes it.
        label: The class, or classes, that are counted. When ``None``, the only one that occurs, or else ``head``, or
            else ``person``.
        units: What coordinates count: ``"pixels"``, ``"fraction"`` or ``"percent"``. ``"auto"`` is what the format
            says, or else pixels; heads that can only be parts of an image are then refused.
        keypoint: The key point of a skeleton that is the head; those on the head by name when ``None``.
        missing: What an image without annotation is: an ``"error"`` when read, or ``"empty"`` of people.
        regions: What an image is in which a mark stands for many heads (COCO's ``iscrowd``): an ``"error"`` when read,
            or left out, ``"skip"``.
        convention: Where the files put the center of the first pixel, see
            :func:`~crowdkit.data.read_points`.
        orient: Turn images upright as their EXIF tag says; for annotations made on the upright image.
        sigma_rule: The rule for density maps.
        name: What the data set is called; the folder's name when ``None``.
        transform: Applied to every sample.

    Attributes:
        labels: How many heads of each class the annotations have; empty if they have no classes.

    Raises:
        DataError: If there is no image or no annotation of any, or an image has two.
    """

    def __init__(
        self,
        root: str | Path,
        annotations: str | Path | None = None,
        *,
        split: str = "train",
        format: str = "auto",  # noqa: A002 (the word of the command line)
        label: str | Sequence[str] | None = None,
        units: Unit | Literal["auto"] = "auto",
        keypoint: str | None = None,
        missing: Literal["error", "empty"] = "error",
        regions: Literal["error", "skip"] = "error",
        convention: Convention | None = None,
        orient: bool = False,
        sigma_rule: str = "cfanet",
        name: str | None = None,
        transform: Transform | None = None,
    ) -> None:
        check_choice("split", split, ("train", "val", "test"))
        check_choice("missing", missing, ("error", "empty"))
        check_choice("regions", regions, ("error", "skip"))
        check_choice("units", units, ("auto", *UNITS))
        root = Path(root)
        pairs = find_pairs(
            root,
            None if annotations is None else Path(annotations),
            split=split,
            format=format,
            convention=convention,
            keypoint=keypoint,
            missing=missing,
        )
        self.missing = missing
        self.units = units
        self._found: dict[str, ImageHeads | str | None] = dict(zip(pairs.names, pairs.heads, strict=True))
        crowds = [name for name, each in self._found.items() if isinstance(each, ImageHeads) and each.regions]
        skipped = set(crowds) if regions == "skip" else set()
        records = zip(pairs.names, pairs.images, pairs.files, strict=True)
        super().__init__(
            [Record(*each) for each in records if each[0] not in skipped],
            name=name or root.resolve().name,
            split=split,
            sigma_rule=sigma_rule,
            orient=orient,
            unpaired=pairs.unpaired,
            transform=transform,
        )
        self.unread = tuple(pairs.unread)
        self.left_out = (
            *pairs.left_out,
            *(f"{each}: left out, for a mark in it stands for many heads" for each in crowds if skipped),
        )
        read = [each for each in map(self._found.get, self.names) if isinstance(each, ImageHeads)]
        self.labels = Counter(label for each in read for label in each.labels or ("",) * len(each))
        if set(self.labels) <= {""}:
            self.labels.clear()
        self._chosen = choose_labels(self.labels, label)
        self._sized = all(
            each.sizes is not None and bool((each.sizes > 0).all()) for each in read if len(each)
        ) and any(map(len, read))
        self._wrong_units = wrong_units(self) if units == "auto" else {}

    def has_annotation(self, index: int) -> bool:
        """Tell whether there is an annotation, or none is needed."""
        return self.missing == "empty" or self._found[self.names[index]] is not None

    def written(self, index: int) -> ImageHeads | None:
        """Return the heads of one image as they are written in its file, of all classes; ``None`` without a file.

        Raises:
            DataError: If they cannot be read.
        """
        found = self._found[self.names[index]]
        if isinstance(found, str):
            raise DataError(found)
        return found

    def all_heads(self, index: int) -> ImageHeads:
        """Return the heads of all classes of one image in pixels, with its name and its size.

        Raises:
            DataError: If they cannot be read.
        """
        image = self.records[index].image
        size = self.stored_size(index)
        heads = self.written(index) or ImageHeads(points=torch.zeros(0, 2, dtype=torch.float64))
        pixels = heads.in_pixels(size, unit=None if self.units == "auto" else self.units)
        return replace(pixels, name=image.name, image_size=size)

    def raw_points(self, index: int) -> Tensor:
        """Read the heads of one image as annotated, in continuous coordinates."""
        return self._heads(index).points.clone()

    def head_sizes(self, index: int) -> Tensor | None:
        """Read the side of each head in pixels, if all heads of the set are marked as boxes."""
        if not self._sized:
            return None
        sizes = self._heads(index).sizes
        return torch.zeros(0, dtype=torch.float64) if sizes is None else sizes.clone()

    def doubts(self) -> list[Issue]:
        """List what in the annotations contradicts itself or the images, without decoding them."""
        return find_doubts(self)

    def _heads(self, index: int) -> ImageHeads:
        record = self.records[index]
        heads = self.written(index)
        if heads is None:
            if self.missing == "empty":
                return ImageHeads(points=torch.zeros(0, 2, dtype=torch.float64))
            raise DataError(
                f"{record.image}: expected its heads in {record.annotation}, got none; annotate it, or pass "
                "missing='empty' if images without annotation show nobody"
            )
        if isinstance(self._chosen, str):
            raise DataError(f"{record.annotation}: {self._chosen}")
        if heads.regions:
            raise DataError(
                f"{record.annotation}: expected one annotation for each head, got a region of many (iscrowd) in "
                f"{record.image.name}; mark its heads, or leave such images out with regions='skip'"
            )
        if record.name in self._wrong_units:
            raise DataError(self._wrong_units[record.name])
        if self._chosen is not None and len(heads):
            heads = heads.select(self._chosen)
        # Only what counts in parts of the image needs its size.
        unit = heads.unit or "pixels" if self.units == "auto" else self.units
        return heads.in_pixels(None if unit == "pixels" else self.stored_size(index), unit=unit)
