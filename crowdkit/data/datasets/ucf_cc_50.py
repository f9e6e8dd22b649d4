"""UCF_CC_50: fifty dense crowds, five folds."""

from pathlib import Path

import torch
from torch import Tensor

from crowdkit.data.annotations import read_points
from crowdkit.data.datasets._layout import find_home, present
from crowdkit.data.datasets.base import CrowdDataset, Record
from crowdkit.data.transforms import Transform
from crowdkit.errors import ArgumentError, check_choice

_IMAGES, _FOLDS = 50, 5


class UCFCC50(CrowdDataset):
    """UCF_CC_50: 50 images of 94 to 4,633 people, measured by 5-fold cross-validation.

    There is no official split: the release says that folds of ten images were drawn at random, but not which.
    Here a seed draws them, from the numbers 1 to 50 alone, so that a fold is the same on every machine.
    ``seed=None`` takes the tens in order (1 to 10, 11 to 20, ...), as some public code does. A published figure is
    the mean over the five folds; with other folds it is another one.

    Coordinates are MATLAB's and become continuous by minus 0.5.

    Args:
        root: The folder that holds ``1.jpg`` and ``1_ann.mat``, or the one that holds ``UCF_CC_50``.
        split: ``"train"`` (the forty images of the other folds) or ``"test"`` (the ten of this one).
        fold: 0 to 4.
        seed: Draws the folds; ``None`` for tens in order.
        incomplete: Use the images that are there where some of the fifty are missing.
        transform: Applied to every sample.

    Raises:
        DataError: If the folder is not there, or images are missing.
        ArgumentError: If ``fold`` is not 0 to 4.

    References:
        Idrees, Saleemi, Seibert and Shah. *Multi-source multi-scale counting in extremely dense crowd images*.
        CVPR 2013.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        *,
        fold: int = 0,
        seed: int | None = 0,
        incomplete: bool = False,
        transform: Transform | None = None,
    ) -> None:
        check_choice("split", split, ("train", "test"))
        if isinstance(fold, bool) or not isinstance(fold, int) or fold not in range(_FOLDS):
            raise ArgumentError(f"fold: expected a whole number from 0 to {_FOLDS - 1}, got {fold!r}")
        home = find_home(root, holds="*_ann.mat", release="UCF_CC_50")
        tested = set(self.folds(seed)[fold])
        numbers = [each for each in range(1, _IMAGES + 1) if (each in tested) == (split == "test")]
        records = [Record(str(each), home / f"{each}.jpg", home / f"{each}_ann.mat") for each in numbers]
        found, absent = present(records, folder=home, incomplete=incomplete)
        super().__init__(
            found,
            name=f"UCF_CC_50 fold {fold}",
            split=split,
            sigma_rule="cfanet",
            absent=absent,
            transform=transform,
        )
        self.fold = fold
        self.seed = seed

    def raw_points(self, index: int) -> Tensor:
        """Read the heads of one image as annotated, in continuous coordinates."""
        return read_points(self.records[index].annotation)

    @staticmethod
    def folds(seed: int | None = 0) -> list[list[int]]:
        """Give the numbers of the images that each fold tests on.

        Args:
            seed: Draws them; ``None`` for tens in order.

        Returns:
            Five lists of ten numbers from 1 to 50, ascending.

        Examples:
            >>> UCFCC50.folds()[0]
            [7, 8, 11, 18, 22, 30, 34, 38, 40, 45]
            >>> UCFCC50.folds(seed=None)[1]
            [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]
        """
        if seed is None:
            order = list(range(_IMAGES))
        else:
            order = torch.randperm(_IMAGES, generator=torch.Generator().manual_seed(seed)).tolist()
        size = _IMAGES // _FOLDS
        return [sorted(each + 1 for each in order[first : first + size]) for first in range(0, _IMAGES, size)]
