"""JHU-Crowd++: crowds in every weather, with scene and weather told."""

from pathlib import Path
from typing import Any

from torch import Tensor

from crowdkit.data.annotations import SHIFT, read_rows
from crowdkit.data.datasets._layout import find_home
from crowdkit.data.datasets.base import CrowdDataset, Record
from crowdkit.data.image import is_image
from crowdkit.data.transforms import Transform
from crowdkit.errors import DataError, check_choice

_WEATHER = {"0": "none", "1": "fog or haze", "2": "rain", "3": "snow"}


class JHUCrowd(CrowdDataset):
    """JHU-Crowd++: 4,372 images (2,272 to train on, 500 to validate, 1,600 to test) of 1.51 million people.

    A row of ``gt/0001.txt`` is a head: x and y of its center, width, height, occlusion, blur; x and y are read. They
    are whole numbers and the release does not say from where they count; they are taken for pixel indices from 0,
    and become continuous by plus 0.5. An empty file is an image without people.

    Of ``image_labels.txt`` a sample's ``meta`` has ``scene`` (a word), ``weather`` (``"none"``, ``"fog or haze"``,
    ``"rain"`` or ``"snow"``) and ``distractor`` (whether it is an image without a crowd that looks like one).

    Args:
        root: The folder that holds ``train``, ``val`` and ``test``, or the one that holds ``jhu_crowd_v2.0``.
        split: ``"train"``, ``"val"`` (the official validation images) or ``"test"``.
        transform: Applied to every sample.

    Raises:
        DataError: If the folders are not there, there is no image in them, or ``image_labels.txt`` is damaged.

    References:
        Sindagi, Yasarla and Patel. *JHU-CROWD++: Large-scale crowd counting dataset and a benchmark method*.
        TPAMI 2020.
    """

    has_val = True

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        *,
        transform: Transform | None = None,
    ) -> None:
        check_choice("split", split, ("train", "val", "test"))
        folder = find_home(root, holds=f"{split}/images", release="jhu_crowd_v2.0") / split
        images = [path for path in (folder / "images").iterdir() if is_image(path)]
        if not images:
            raise DataError(f"{folder / 'images'}: expected images, got none; unpack them")
        records = [Record(path.stem, path, folder / f"gt/{path.stem}.txt") for path in images]
        unpaired = set(folder.glob("gt/*.txt")) - {record.annotation for record in records}
        self._labels = _read_labels(folder / "image_labels.txt")
        super().__init__(
            records,
            name="JHU-Crowd++",
            split=split,
            sigma_rule="cfanet",
            unpaired=sorted(map(str, unpaired)),
            transform=transform,
        )

    def raw_points(self, index: int) -> Tensor:
        """Read the heads of one image as annotated, in continuous coordinates."""
        return read_rows(self.records[index].annotation, columns=6)[:, :2] + SHIFT["index"]

    def details(self, index: int) -> dict[str, Any]:
        """Give ``scene``, ``weather`` and ``distractor`` of one image, as far as they are known."""
        return dict(self._labels.get(self.names[index], {}))


def _read_labels(path: Path) -> dict[str, dict[str, Any]]:
    """Read rows of name, count, scene, weather, distractor; the file may be missing."""
    labels: dict[str, dict[str, Any]] = {}
    if not path.is_file():
        return labels
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        cells = [cell.strip() for cell in line.split(",")]
        if cells == [""]:
            continue
        if len(cells) != 5 or cells[3] not in _WEATHER or cells[4] not in ("0", "1"):
            raise DataError(
                f"{path}, line {number}: expected name, count, scene, weather (0 to 3) and distractor (0 or 1), "
                f"got {line!r}; repair the line"
            )
        name, _, scene, weather, distractor = cells
        labels[Path(name).stem] = {
            "scene": scene,
            "weather": _WEATHER[weather],
            "distractor": distractor == "1",
        }
    return labels
