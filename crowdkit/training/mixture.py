"""Which image of which data set each crop of an epoch is cut from."""

from collections.abc import Sequence
from itertools import accumulate

import torch

from crowdkit.data import CrowdData, generator_for
from crowdkit.training.config import SourceConfig


class Mixture:
    """Crops of an epoch, dealt to several data sets by their shares.

    Without shares every image is cropped once per epoch. With them a data set gives its part of the crops: its
    images are gone through in a random order, each once before any comes again, over the ends of epochs.

    Args:
        sources: The data sets.
        configs: Their part in the training.
        length: Crops per epoch of data sets with shares; as many as there are images when ``None``.
        seed: Names the orders.

    Examples:
        >>> from crowdkit.data import SyntheticCrowd
        >>> few, many = SyntheticCrowd(2), SyntheticCrowd(10)
        >>> shares = [SourceConfig(share=1.0), SourceConfig(share=3.0)]
        >>> mixture = Mixture([few, many], shares, length=8, seed=0)
        >>> [mixture.image(0, crop)[0] for crop in range(len(mixture))]
        [0, 0, 1, 1, 1, 1, 1, 1]
    """

    def __init__(
        self, sources: Sequence[CrowdData], configs: Sequence[SourceConfig], *, length: int | None, seed: int
    ) -> None:
        self.lengths = [len(each) for each in sources]
        self.seed = seed
        weights = [each.share for each in configs if each.share is not None]
        self.shared = bool(weights)
        if self.shared:
            total = sum(weights)
            whole = sum(self.lengths) if length is None else length
            ends = [round(whole * each / total) for each in accumulate(weights)]
        else:
            ends = list(accumulate(self.lengths))
        self.ends = ends

    def __len__(self) -> int:
        return self.ends[-1]

    def image(self, epoch: int, crop: int) -> tuple[int, int]:
        """Say where a crop is cut.

        Args:
            epoch: The epoch.
            crop: Which of its crops.

        Returns:
            The number of the data set, and the number of the image there.
        """
        source = next(number for number, end in enumerate(self.ends) if crop < end)
        start = self.ends[source - 1] if source else 0
        if not self.shared:
            return source, crop - start
        turn, place = divmod(epoch * (self.ends[source] - start) + crop - start, self.lengths[source])
        order = torch.randperm(self.lengths[source], generator=generator_for(self.seed, source, turn))
        return source, int(order[place])
