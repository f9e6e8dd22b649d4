"""SCUT-HEAD, classrooms and photographs from the web with a box for each head."""

from pathlib import Path

from torch import Tensor

from crowdkit.data.annotations import SHIFT
from crowdkit.data.annotations.voc import read_voc
from crowdkit.data.datasets.base import CrowdDataset, Record
from crowdkit.data.image import is_image
from crowdkit.data.transforms import Transform
from crowdkit.errors import DataError, check_choice

_PARTS = {"A": ("A",), "B": ("B",), "AB": ("A", "B")}


class SCUTHead(CrowdDataset):
    """SCUT-HEAD: 2,000 images of classrooms (part A) and 2,405 from the web (part B), each head in a box.

    Boxes give each head's center and size, so that kernels are as wide as heads are
    (``Sample.sigma``). Coordinates are Pascal VOC's, whose first pixel is (1, 1).

    Args:
        root: The folder that holds ``SCUT_HEAD_Part_A`` and ``SCUT_HEAD_Part_B``, or one that holds
            ``JPEGImages`` and ``Annotations`` itself.
        part: ``"A"``, ``"B"`` or ``"AB"``.
        split: ``"train"``, ``"val"`` or ``"test"``: the lists in ``ImageSets/Main``. Without such lists all images
            are training images.
        transform: Applied to every sample.

    Raises:
        DataError: If the folders are not there, a list names an image that is missing, or no image is left.

    References:
        Peng, Sun, Chen, Cai, Xie and Jin. *Detecting heads using feature refine net and cascaded multi-scale
        architecture*. ICPR 2018.
    """

    def __init__(
        self,
        root: str | Path,
        part: str = "AB",
        split: str = "train",
        *,
        transform: Transform | None = None,
    ) -> None:
        check_choice("part", part, _PARTS)
        check_choice("split", split, ("train", "val", "test"))
        prefixes = tuple(f"Part{each}_" for each in _PARTS[part])
        records = [
            record
            for home in _homes(Path(root), _PARTS[part])
            for record in _records(home, split)
            if record.name.startswith(prefixes)
        ]
        if not records:
            raise DataError(
                f"{root}: expected images of part {part} for {split!r}, got none; check the folder and the lists in "
                "ImageSets/Main"
            )
        super().__init__(
            records,
            name="SCUT-HEAD" if part == "AB" else f"SCUT-HEAD part {part}",
            split=split,
            transform=transform,
        )

    def raw_points(self, index: int) -> Tensor:
        """Read the centers of the heads of one image, in continuous coordinates."""
        return read_voc(self.records[index].annotation)[0] + SHIFT["matlab"]

    def head_sizes(self, index: int) -> Tensor:
        """Read the side of each head of :meth:`raw_points`, in pixels, shape (N,)."""
        return read_voc(self.records[index].annotation)[1]


def _homes(root: Path, parts: tuple[str, ...]) -> list[Path]:
    if (root / "JPEGImages").is_dir():
        return [root]
    homes = [root / f"SCUT_HEAD_Part_{part}" for part in parts]
    for home in homes:
        if not (home / "JPEGImages").is_dir():
            raise DataError(
                f"root: expected JPEGImages in {root} or {home}, got no such folder; give the folder that holds "
                "SCUT_HEAD_Part_A and SCUT_HEAD_Part_B"
            )
    return homes


def _records(home: Path, split: str) -> list[Record]:
    images = {path.stem: path for path in (home / "JPEGImages").iterdir() if is_image(path)}
    lists = home / "ImageSets" / "Main"
    if lists.is_dir():
        listed = lists / f"{split}.txt"
        if not listed.is_file():
            raise DataError(f"split: expected {listed}, got no such file; complete the copy of the data set")
        names = listed.read_text(encoding="utf-8").split()
        missing = [name for name in names if name not in images]
        if missing:
            raise DataError(
                f"{listed}: expected its images in {home / 'JPEGImages'}, got {len(missing)} missing, first "
                f"{missing[0]}; complete the copy of the data set"
            )
    else:
        names = list(images) if split == "train" else []
    return [Record(name, images[name], home / "Annotations" / f"{name}.xml") for name in names]
