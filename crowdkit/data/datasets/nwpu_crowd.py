"""NWPU-Crowd: five thousand images, among them hundreds without people, and a closed test."""

from pathlib import Path
from typing import Any

from torch import Tensor

from crowdkit.data.annotations import read_points
from crowdkit.data.datasets._layout import find_home, present
from crowdkit.data.datasets.base import CrowdDataset, Record
from crowdkit.data.transforms import Transform
from crowdkit.errors import DataError, check_choice


class NWPUCrowd(CrowdDataset):
    """NWPU-Crowd: 5,109 images (3,109 to train on, 500 to validate, 1,500 to test) of 0 to 20,033 people.

    The heads of the test images are not published: the split opens, and gives names, sizes and paths, but reading
    a sample's heads is an error. Count ``dataset.records[i].image`` and send the counts to the benchmark.

    Heads are read from ``jsons``, or from ``mats`` where there is no ``jsons``. They were marked in a browser, and
    the authors' own code takes the pixel from 0 by rounding down and MATLAB's from 1 by rounding up: both say that
    the coordinates are continuous, so nothing is added.

    A sample's ``meta`` has the classes ``luminance`` and ``level`` (0 to 4, by the number of people), for which the
    benchmark gives figures apart.

    Args:
        root: The folder that holds ``images``, ``jsons`` and ``train.txt``, or the one that holds ``NWPU-Crowd``.
        split: ``"train"``, ``"val"`` (the official validation images) or ``"test"``.
        incomplete: Use the images that are there where some in the list are missing.
        transform: Applied to every sample.

    Raises:
        DataError: If the folders or the list are not there, the list is damaged, or images are missing.

    References:
        Wang, Gao, Lin and Li. *NWPU-Crowd: A large-scale benchmark for crowd counting and localization*.
        TPAMI 2021.
    """

    has_val = True

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        *,
        incomplete: bool = False,
        transform: Transform | None = None,
    ) -> None:
        check_choice("split", split, ("train", "val", "test"))
        home = find_home(root, holds=f"{split}.txt", release="NWPU-Crowd")
        self._labels = _read_list(home / f"{split}.txt", split)
        if not (home / "images").is_dir():
            raise DataError(
                f"{home / 'images'}: expected the images, got no such folder; put those of images_part1 to 5 there"
            )
        kind = "json" if (home / "jsons").is_dir() else "mat"
        records = [
            Record(name, home / f"images/{name}.jpg", home / f"{kind}s/{name}.{kind}")
            for name in self._labels
        ]
        found, absent = present(records, folder=home / "images", incomplete=incomplete)
        super().__init__(
            found,
            name="NWPU-Crowd",
            split=split,
            sigma_rule="nwpu",
            absent=absent,
            annotated=split != "test",
            transform=transform,
        )

    def raw_points(self, index: int) -> Tensor:
        """Read the heads of one image as annotated, in continuous coordinates."""
        return read_points(self.records[index].annotation, convention="continuous")

    def details(self, index: int) -> dict[str, Any]:
        """Give ``luminance`` and ``level`` of one image."""
        return dict(self._labels[self.names[index]])


def _read_list(path: Path, split: str) -> dict[str, dict[str, int]]:
    """Read rows of name, luminance and level; the test's have the name alone."""
    labels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        cells = line.split()
        if not cells:
            continue
        name, *numbers = cells
        known = dict(zip(("luminance", "level"), numbers, strict=False))
        if len(numbers) > 2 or (len(numbers) < 2 and split != "test") or not all(map(str.isdigit, numbers)):
            raise DataError(
                f"{path}, line {number}: expected an image's name, luminance and level, got {line!r}; "
                "repair the line"
            )
        labels[name] = {key: int(value) for key, value in known.items()}
    if not labels:
        raise DataError(f"{path}: expected the names of images, got none; replace the file")
    return labels
