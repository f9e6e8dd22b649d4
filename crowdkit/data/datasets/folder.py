"""Your own photographs with heads in a common format."""

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from crowdkit.data.annotations import ANNOTATION_SUFFIXES, Convention, read_points, read_table
from crowdkit.data.datasets.base import CrowdDataset, Record
from crowdkit.data.image import IMAGE_SUFFIXES
from crowdkit.data.transforms import Transform
from crowdkit.errors import DataError, check_choice

_FOLDERS = ("annotations", "ground_truth", "ground-truth", "labels", "points", "gt")
_TABLES = ("annotations.json", "_annotations.coco.json", "annotations.csv", "points.csv")


class CrowdFolder(CrowdDataset):
    """A folder of images with their heads in CSV, JSON, LabelMe, COCO or ``.mat`` files.

    The images lie in ``root`` or ``root/images``. The heads of ``a.jpg`` are in ``a.csv``, ``a.txt``,
    ``a.json``, ``a.mat``, ``a_ann.mat`` or ``GT_a.mat``, beside the image or in a folder ``annotations``,
    ``ground_truth``, ``ground-truth``, ``labels``, ``points`` or ``gt`` next to it; or one file
    ``annotations.json`` (COCO), ``annotations.csv`` or ``points.csv`` (columns image, x, y) holds them all.
    An annotation without heads is an image without people.

    Args:
        root: The folder.
        annotations: The folder or the one file with the heads; searched for as above when ``None``.
        split: ``"train"``, ``"val"`` or ``"test"``: what the images are for.
        missing: What an image without annotation is: an ``"error"`` when read, or ``"empty"`` of people.
        convention: Where the files put the center of the first pixel, see
            :func:`~crowdkit.data.read_points`.
        orient: Turn images upright as their EXIF tag says; for annotations made on the upright image.
        sigma_rule: The rule for density maps.
        name: What the data set is called; the folder's name when ``None``.
        transform: Applied to every sample.

    Raises:
        DataError: If there is no image or no annotation, or an image has two.
    """

    def __init__(
        self,
        root: str | Path,
        annotations: str | Path | None = None,
        *,
        split: str = "train",
        missing: Literal["error", "empty"] = "error",
        convention: Convention | None = None,
        orient: bool = False,
        sigma_rule: str = "cfanet",
        name: str | None = None,
        transform: Transform | None = None,
    ) -> None:
        check_choice("split", split, ("train", "val", "test"))
        check_choice("missing", missing, ("error", "empty"))
        self.missing = missing
        self.convention = convention
        root = Path(root)
        images = _find_images(root)
        table, folders = _find_annotations(root, images[0].parent, annotations)
        self._table = None if table is None else read_table(table, convention=convention)
        if self._table is None:
            records = [Record(image.stem, image, _find_file(image, folders)) for image in images]
            found = sum(record.annotation.is_file() for record in records)
            unpaired = _unpaired(records, [folder for folder in folders if folder != images[0].parent])
        else:
            records = [Record(image.stem, image, table or root) for image in images]
            known = {image.name for image in images} | {image.stem for image in images}
            found = len(self._table.keys() & known)
            unpaired = sorted(self._table.keys() - known)
        if not found and missing == "error":
            looked = table or " or ".join(map(str, folders))
            raise DataError(
                f"annotations: expected the heads of {images[0].name} and others in {looked}, got none; "
                "pass annotations=, or missing='empty' if nobody is in the images"
            )
        super().__init__(
            records,
            name=name or root.resolve().name,
            split=split,
            sigma_rule=sigma_rule,
            orient=orient,
            unpaired=unpaired,
            transform=transform,
        )

    def has_annotation(self, index: int) -> bool:
        """Tell whether there is an annotation, or none is needed."""
        record = self.records[index]
        if self.missing == "empty":
            return True
        if self._table is None:
            return record.annotation.is_file()
        return record.image.name in self._table or record.name in self._table

    def raw_points(self, index: int) -> Tensor:
        """Read the heads of one image as annotated, in continuous coordinates."""
        record = self.records[index]
        if self._table is not None:
            if record.image.name in self._table and record.name in self._table:
                raise DataError(
                    f"{record.annotation}: expected one name an image, got heads of both {record.name} and "
                    f"{record.image.name}; give all of them one name"
                )
            points = self._table.get(record.image.name, self._table.get(record.name))
            if points is not None:
                return points.clone()
        elif record.annotation.is_file():
            return read_points(record.annotation, convention=self.convention)
        if self.missing == "empty":
            return torch.zeros(0, 2, dtype=torch.float64)
        raise DataError(
            f"{record.image}: expected its heads in {record.annotation}, got none; annotate it, or pass "
            "missing='empty' if images without annotation show nobody"
        )


def _find_images(root: Path) -> list[Path]:
    folder = root / "images" if (root / "images").is_dir() else root
    if not folder.is_dir():
        raise DataError(f"root: expected a folder of images, got {root}; check the path")
    images = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not images:
        raise DataError(
            f"root: expected images ({', '.join(IMAGE_SUFFIXES)}) in {folder}, got none; check the path"
        )
    stems = [path.stem for path in images]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1}) if len(set(stems)) < len(stems) else []
    if twice:
        raise DataError(f"{folder}: expected one image a name, got several called {twice[0]}; rename them")
    return images


def _find_annotations(root: Path, pictures: Path, given: str | Path | None) -> tuple[Path | None, list[Path]]:
    """Give the one file for all, or the folders to search."""
    if given is not None:
        place = Path(given)
        if not place.exists():
            raise DataError(f"annotations: expected a file or folder, got {place}, which is not there")
        return (place, []) if place.is_file() else (None, [place])
    homes = dict.fromkeys([pictures, root, *([root.parent] if root.name == "images" else [])])
    tables = [home / name for home in homes for name in _TABLES if (home / name).is_file()]
    if len(tables) > 1:
        raise DataError(
            f"{root}: expected one table of heads, got {tables[0]} and {tables[1]}; pass annotations="
        )
    if tables:
        return tables[0], []
    siblings = [home / name for home in homes for name in _FOLDERS if (home / name).is_dir()]
    return None, [pictures, *siblings]


def _find_file(image: Path, folders: list[Path]) -> Path:
    names = [image.stem + suffix for suffix in ANNOTATION_SUFFIXES]
    names += [f"GT_{image.stem}.mat", f"{image.stem}_ann.mat"]
    found = [folder / name for folder in folders for name in names if (folder / name).is_file()]
    if len(found) > 1:
        raise DataError(f"{image}: expected one annotation, got {found[0]} and {found[1]}; pass annotations=")
    return found[0] if found else folders[-1] / names[0]


def _unpaired(records: list[Record], folders: list[Path]) -> list[str]:
    used = {record.annotation for record in records}
    files = [path for folder in folders for path in folder.iterdir() if path.suffix in ANNOTATION_SUFFIXES]
    return sorted(str(path) for path in files if path not in used)
