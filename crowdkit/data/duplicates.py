"""Photographs that data sets share: found by what they look like, whatever their size, format and compression."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from crowdkit.data.datasets.base import CrowdData
from crowdkit.errors import ArgumentError

_LUMA = (0.299, 0.587, 0.114)  # as gray copies of color photographs are made
_SIDE = 32  # pixels of the picture that is transformed
_WAVES = 8  # lowest frequencies kept, along each side
_ROWS = 1024  # hashes compared with all others at a time


class Duplicate(NamedTuple):
    """Two images that show the same photograph.

    Attributes:
        first: The data set's number and the image's name.
        second: The same of the other image; of one data set, the later one.
        distance: In how many of 63 bits their hashes differ.
    """

    first: tuple[int, str]
    second: tuple[int, str]
    distance: int


def image_hash(image: Tensor) -> Tensor:
    """Make a perceptual hash, which resizing, compression and removal of color hardly change.

    The bits say which of the lowest frequencies of a small gray picture are above their median. Flips, crops and
    rotations change it.

    Args:
        image: RGB, shape :math:`(3, H, W)`.

    Returns:
        Bool, shape (63,).

    References:
        Zauner. *Implementation and benchmarking of perceptual image hash functions*. 2010, section 3.2.1.

    Examples:
        >>> image = torch.rand(3, 60, 80, generator=torch.Generator().manual_seed(0))
        >>> darker = image_hash(0.5 * image)
        >>> int((image_hash(image) != darker).sum())
        0
    """
    from scipy.fft import dctn

    gray = (image.float() * image.new_tensor(_LUMA).float().view(3, 1, 1)).sum(dim=0)
    small = F.interpolate(gray[None, None], (_SIDE, _SIDE), mode="bilinear", antialias=True)[0, 0]
    waves = torch.from_numpy(dctn(small.double().numpy(), norm="ortho"))[:_WAVES, :_WAVES].flatten()[1:]
    return waves > waves.median()


def find_duplicates(
    datasets: Sequence[CrowdData],
    *,
    distance: int = 6,
    progress: Callable[[Iterable[int]], Iterable[int]] | None = None,
) -> list[Duplicate]:
    """Find photographs that occur twice, in one data set or in two.

    Training images of one data set are test images of another more often than their papers say; what a model
    has learned by heart must not count as found.

    Args:
        datasets: The data sets, for example the training images and those to test on.
        distance: In how many of 63 bits the hashes of one photograph may differ. In the data sets tried, copies
            differ in at most 2, different photographs in at least 12.
        progress: Wraps the loop over all images, for example ``tqdm.tqdm``.

    Returns:
        The pairs, in the order of the data sets.

    Raises:
        ArgumentError: If ``distance`` is not between 0 and 63.
        DataError: If an image cannot be read.

    Examples:
        >>> from crowdkit.data import Subset, SyntheticCrowd
        >>> scenes = SyntheticCrowd(4)
        >>> find_duplicates([scenes, Subset(scenes, [2])])
        [Duplicate(first=(0, 'train_00002'), second=(1, 'train_00002'), distance=0)]
    """
    if not 0 <= distance < _WAVES**2:
        raise ArgumentError(f"distance: expected 0 to {_WAVES**2 - 1} bits, got {distance}")
    places = [(number, index) for number, images in enumerate(datasets) for index in range(len(images))]
    names = [(number, datasets[number].names[index]) for number, index in places]
    rows: Iterable[int] = range(len(places))
    hashes = []
    for row in rows if progress is None else progress(rows):
        number, index = places[row]
        hashes.append(image_hash(datasets[number][index].image))
    if not hashes:
        return []
    signs = torch.stack(hashes).float() * 2 - 1
    found = []
    for start in range(0, len(signs), _ROWS):
        # Equal bits give 1, different ones -1.
        differing = ((signs.shape[1] - signs[start : start + _ROWS] @ signs.T) / 2).round()
        for row, column in (differing <= distance).nonzero().tolist():
            if start + row < column:
                found.append(Duplicate(names[start + row], names[column], int(differing[row, column])))
    return found
