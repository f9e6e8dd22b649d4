"""An image tile by tile."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from torch import Tensor
from tqdm import tqdm

from crowdkit.counting.density import predict_density_batch
from crowdkit.counting.grid import Tile
from crowdkit.counting.memory import trim_heap
from crowdkit.data import LazyImage
from crowdkit.models import CrowdModel


def predict_density_tiled(
    model: CrowdModel,
    picture: LazyImage,
    tiles: Sequence[Tile],
    *,
    device: torch.device,
    precision: str = "float32",
    batch: int = 1,
    progress: bool = False,
) -> Tensor:
    """Estimate the density map of an image from tiles of it.

    Each tile gives the cells of its core; the image's own right and bottom edges are padded by the network, as
    when it sees the image whole.

    Args:
        model: The network, on ``device``.
        picture: The image.
        tiles: Whose cores share out the image and begin at multiples of the network's deepest stride.
        device: Where to compute.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        batch: Tiles that the network is shown at once, if they follow one another and are of one size.
        progress: Whether to draw a progress bar.

    Returns:
        People per cell, float32, shape :math:`(1, 1, h, w)`, on the CPU.

    Raises:
        ImageTooLargeError: If memory runs out.
    """
    stride = model.stride
    density = torch.zeros(1, 1, *(-(-side // stride) for side in picture.size))
    with tqdm(total=len(tiles), desc="tiles", disable=not progress, unit="tile", leave=False) as bar:
        for group in _batches(tiles, batch):
            images = torch.stack([picture.part(tile.seen, device=device) for tile in group])
            found = predict_density_batch(model, images, device=device, precision=precision).cpu()
            for tile, part in zip(group, found, strict=True):
                core, seen = tile.core, tile.seen
                rows = slice(core.top // stride, -(-core.bottom // stride))
                columns = slice(core.left // stride, -(-core.right // stride))
                above, before = seen.top // stride, seen.left // stride
                density[0, :, rows, columns] = part[
                    :, rows.start - above : rows.stop - above, columns.start - before : columns.stop - before
                ]
            del images
            trim_heap()
            bar.update(len(group))
    return density


def _batches(tiles: Sequence[Tile], batch: int) -> Iterator[list[Tile]]:
    for _, alike in groupby(tiles, key=lambda tile: tile.seen.size):
        group = list(alike)
        for first in range(0, len(group), batch):
            yield group[first : first + batch]
