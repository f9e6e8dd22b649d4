"""UCF-QNRF: large photographs of large crowds, and the sizes that published work gives them."""

from pathlib import Path

from torch import Tensor

from crowdkit.data.annotations import read_points
from crowdkit.data.datasets._layout import find_home
from crowdkit.data.datasets.base import CrowdDataset, Record
from crowdkit.data.image import is_image
from crowdkit.data.transforms import Resize, Transform
from crowdkit.errors import DataError, check_choice

_FOLDERS = {"train": "Train", "test": "Test"}
_BAYESIAN = Resize(short_side_min=512, short_side_max=2048)
_SMALL = Resize(long_side_max=1024)
_POLICIES = {
    "none": {},
    "cfanet": {"train": Resize(long_side_min=1024, long_side_max=2048)},
    "cfanet-code": {"train": _SMALL, "test": _SMALL},
    "bayesian": {"train": _BAYESIAN, "test": _BAYESIAN},
}


class UCFQNRF(CrowdDataset):
    """UCF-QNRF: 1,535 photographs (1,201 for training) of 49 to 12,865 people, 2013 x 2902 pixels on average.

    What size images are given decides over the figures, so ``resize`` has the published ways by name. Sizes, heads
    and samples all follow it, always with the aspect ratio kept and by the least change:

    - ``"none"``: as they are;
    - ``"cfanet"``: the CFANet paper's, the long side within [1024, 2048] in training, as they are in testing;
    - ``"cfanet-code"``: its authors' code, the long side at most 1024 in both;
    - ``"bayesian"``: the short side within [512, 2048] in both, as Bayesian loss, DM-Count and many after them
      (they resize by cubic interpolation; here it is bilinear with antialiasing).

    Coordinates are MATLAB's and become continuous by minus 0.5.

    Args:
        root: The folder that holds ``Train`` and ``Test``, or the one that holds ``UCF-QNRF_ECCV18``.
        split: ``"train"`` or ``"test"``.
        resize: One of the names above.
        transform: Applied to every sample.

    Raises:
        DataError: If the folders are not there, or there is no image in them.

    References:
        Idrees et al. *Composition loss for counting, density map estimation and localization in dense crowds*.
        ECCV 2018.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        *,
        resize: str = "none",
        transform: Transform | None = None,
    ) -> None:
        check_choice("split", split, _FOLDERS)
        check_choice("resize", resize, _POLICIES)
        folder = find_home(root, holds=_FOLDERS[split], release="UCF-QNRF_ECCV18") / _FOLDERS[split]
        images = [path for path in folder.iterdir() if is_image(path)]
        records = [Record(path.stem, path, folder / f"{path.stem}_ann.mat") for path in images]
        unpaired = set(folder.glob("*_ann.mat")) - {record.annotation for record in records}
        if not records:
            raise DataError(
                f"{folder}: expected images such as img_0001.jpg, got none and {len(unpaired)} annotations; "
                "put them together"
            )
        super().__init__(
            records,
            name="UCF-QNRF",
            split=split,
            sigma_rule="cfanet-qnrf",
            resize=_POLICIES[resize].get(split),
            unpaired=sorted(map(str, unpaired)),
            transform=transform,
        )

    def raw_points(self, index: int) -> Tensor:
        """Read the heads of one image as annotated, at its own size, in continuous coordinates."""
        return read_points(self.records[index].annotation)
