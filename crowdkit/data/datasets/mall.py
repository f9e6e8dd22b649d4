"""Mall: two thousand frames of one surveillance camera, and the region people are counted in."""

from pathlib import Path

from torch import Tensor

from crowdkit.data.annotations import SHIFT, read_mat_frames, read_mat_roi
from crowdkit.data.datasets._layout import find_home, present
from crowdkit.data.datasets.base import CrowdDataset, Record
from crowdkit.data.transforms import Transform
from crowdkit.errors import DataError, check_choice

_FRAMES = {"train": range(1, 801), "test": range(801, 2001)}


class Mall(CrowdDataset):
    """Mall: 2,000 frames (800 for training) of 640 x 480 pixels and 13 to 53 people.

    Samples carry the region of interest of ``perspective_roi.mat``, and :func:`~crowdkit.evaluation.evaluate` counts in
    it alone, as is common. It covers 90 % of a frame; four of the 62,315 heads, all in test frames, lie outside.
    Heads outside stay in ``points``.

    Coordinates are MATLAB's and become continuous by minus 0.5. The frames follow one another in time: a validation
    part of every tenth training frame has almost its twin in training, and flatters. A stretch at the end,
    ``Subset(mall, list(range(720, 800)), split="val")``, is nearer to the test frames, which come after.

    Args:
        root: The folder that holds ``frames`` and ``mall_gt.mat``, or the one that holds ``mall_dataset``.
        split: ``"train"`` (frames 1 to 800) or ``"test"`` (801 to 2,000).
        use_roi: Whether samples carry the region of interest.
        incomplete: Use the frames that are there where some are missing.
        transform: Applied to every sample.

    Raises:
        DataError: If the folder or a file is not there, frames are missing, or the region has another size.

    References:
        Chen, Loy, Gong and Xiang. *Feature mining for localized crowd counting*. BMVC 2012.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        *,
        use_roi: bool = True,
        incomplete: bool = False,
        transform: Transform | None = None,
    ) -> None:
        check_choice("split", split, _FRAMES)
        home = find_home(root, holds="frames", release="mall_dataset")
        truth = home / "mall_gt.mat"
        self._heads = [points + SHIFT["matlab"] for points in read_mat_frames(truth)]
        if len(self._heads) < _FRAMES["test"][-1]:
            raise DataError(f"{truth}: expected the heads of 2000 frames, got {len(self._heads)}; replace it")
        records = [
            Record(f"seq_{frame:06d}", home / f"frames/seq_{frame:06d}.jpg", truth)
            for frame in _FRAMES[split]
        ]
        found, absent = present(records, folder=home / "frames", incomplete=incomplete)
        super().__init__(
            found,
            name="Mall",
            split=split,
            sigma_rule="cfanet-mall",
            absent=absent,
            transform=transform,
        )
        self._roi = read_mat_roi(home / "perspective_roi.mat") if use_roi else None
        if self._roi is not None and self._roi.shape != self.size(0):
            raise DataError(
                f"{home / 'perspective_roi.mat'}: expected a mask of the frames' {self.size(0)}, got "
                f"{tuple(self._roi.shape)}; use the frames as published, or use_roi=False"
            )

    def raw_points(self, index: int) -> Tensor:
        """Give the heads of one frame as annotated, in continuous coordinates."""
        frame = int(self.records[index].name.removeprefix("seq_"))
        return self._heads[frame - 1].clone()

    def roi(self, index: int) -> Tensor | None:  # noqa: ARG002
        """Give the region of interest of one frame, bool, shape (480, 640); the same for all."""
        return None if self._roi is None else self._roi.clone()
