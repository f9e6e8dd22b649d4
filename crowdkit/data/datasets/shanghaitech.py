"""ShanghaiTech, parts A and B."""

from pathlib import Path

from torch import Tensor

from crowdkit.data.annotations import read_points
from crowdkit.data.datasets.base import CrowdDataset, Record
from crowdkit.data.image import is_image
from crowdkit.data.transforms import Transform
from crowdkit.errors import DataError, check_choice

_RELEASES = ("part_{}", "part_{}_final")
_ANNOTATION_FOLDERS = ("ground-truth", "ground_truth")


class ShanghaiTech(CrowdDataset):
    """ShanghaiTech: 482 images of dense crowds (part A) and 716 of streets (part B).

    Both annotation releases are read: of 2016 (folders ``part_A/train_data/ground-truth``) and of 2015
    (``part_A_final/train_data/ground_truth``). Coordinates are MATLAB's and become continuous by minus 0.5.

    Args:
        root: The folder that holds ``part_A`` or ``part_A_final``, or that folder itself.
        part: ``"A"`` or ``"B"``.
        split: ``"train"`` or ``"test"``.
        images: A folder of images to use instead of the release's own, for an annotation release that came
            without.
        transform: Applied to every sample.

    Raises:
        DataError: If the folders are not there; the message says what was looked for and where.

    References:
        Zhang, Zhou, Chen, Gao and Ma. *Single-image crowd counting via multi-column convolutional neural
        network*. CVPR 2016.
    """

    def __init__(
        self,
        root: str | Path,
        part: str = "A",
        split: str = "train",
        *,
        images: str | Path | None = None,
        transform: Transform | None = None,
    ) -> None:
        check_choice("part", part, ("A", "B"))
        check_choice("split", split, ("train", "test"))
        folder = _find_part(Path(root), part) / f"{split}_data"
        pictures = folder / "images" if images is None else Path(images)
        annotations = _first_folder([folder / name for name in _ANNOTATION_FOLDERS], "the annotations")
        _first_folder([pictures], "the images")
        records = [
            Record(path.stem, path, annotations / f"GT_{path.stem}.mat")
            for path in pictures.iterdir()
            if is_image(path)
        ]
        unpaired = set(annotations.glob("GT_*.mat")) - {record.annotation for record in records}
        super().__init__(
            records,
            name=f"ShanghaiTech part_{part}",
            split=split,
            sigma_rule=f"cfanet-sh{part.lower()}",
            unpaired=sorted(map(str, unpaired)),
            transform=transform,
        )
        if not any(record.annotation.exists() for record in self.records):
            raise DataError(
                f"{pictures}: expected images with a GT_<name>.mat in {annotations}, got {len(self)} images "
                "and no such file; check that both folders belong together"
            )

    def raw_points(self, index: int) -> Tensor:
        """Read the heads of one image as annotated, in continuous coordinates."""
        return read_points(self.records[index].annotation)


def _find_part(root: Path, part: str) -> Path:
    names = [release.format(part) for release in _RELEASES]
    if root.name in names:
        return root
    found = [root / name for name in names if (root / name).is_dir()]
    if len(found) > 1:
        raise DataError(
            f"{root}: expected one annotation release, got {' and '.join(names)}; "
            f"give the one you mean, for example root={str(found[0])!r}"
        )
    return found[0] if found else _first_folder([root / name for name in names], f"part {part}")


def _first_folder(candidates: list[Path], what: str) -> Path:
    for folder in candidates:
        if folder.is_dir():
            return folder
    looked = " or ".join(map(str, candidates))
    raise DataError(
        f"root: expected {what} in {looked}, got no such folder; give the folder that holds part_A"
    )
