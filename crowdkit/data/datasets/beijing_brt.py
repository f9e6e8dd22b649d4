"""Beijing-BRT, bus platforms seen by fixed cameras."""

from pathlib import Path

from torch import Tensor

from crowdkit.data.annotations import read_points
from crowdkit.data.datasets._layout import find_home
from crowdkit.data.datasets.base import CrowdDataset, Record
from crowdkit.data.image import is_image
from crowdkit.data.transforms import Transform
from crowdkit.errors import DataError, check_choice


class BeijingBRT(CrowdDataset):
    """Beijing-BRT: 1,280 frames, 360 x 640, of bus platforms by day and by night; 720 are for training.

    Neighboring frames of one camera are alike: a validation part of every tenth frame flatters.
    Coordinates are MATLAB's and become continuous by minus 0.5.

    Args:
        root: The folder that holds ``train`` and ``test``, or the one that holds ``Beijing-BRT-dataset``.
        split: ``"train"`` or ``"test"``.
        transform: Applied to every sample.

    Raises:
        DataError: If the folders are not there or hold no image.

    References:
        Ding, Lin, He, Wang and Huang. *A deeply-recursive convolutional network for crowd counting*. ICASSP 2018.
    """

    def __init__(self, root: str | Path, split: str = "train", *, transform: Transform | None = None) -> None:
        check_choice("split", split, ("train", "test"))
        home = find_home(root, holds=f"{split}/frame", release="Beijing-BRT-dataset") / split
        records = [
            Record(path.stem, path, home / "ground_truth" / f"{path.stem}.mat")
            for path in (home / "frame").iterdir()
            if is_image(path)
        ]
        if not records:
            raise DataError(f"root: expected frames in {home / 'frame'}, got none; complete the copy")
        super().__init__(records, name="Beijing-BRT", split=split, transform=transform)

    def raw_points(self, index: int) -> Tensor:
        """Read the heads of one frame as annotated, in continuous coordinates."""
        return read_points(self.records[index].annotation)
