"""Counting people in images of one's own."""

import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from crowdkit.calibration import Calibration, image_traits
from crowdkit.counting.estimator import Estimator, TileSize
from crowdkit.counting.prefetch import prefetch
from crowdkit.data import PixelArray, Source, decoded_bytes, list_images, open_image
from crowdkit.errors import ArgumentError, DataError
from crowdkit.models import CrowdModel
from crowdkit.runtime import pick_device


@dataclass(frozen=True, kw_only=True)
class Count:
    """What a model sees in one image.

    Attributes:
        path: The image file; none for an image that was given as a tensor.
        count: Estimated number of people.
        density: Estimated density map in people per cell of the model's stride, shape :math:`(1, 1, h, w)`,
            on the CPU.
        size: Height and width of the image in pixels.
        tiles: In how many tiles it was counted; 1 if it was seen whole.
        interval: Between which numbers the true count lies, for as many images as the calibration says; ``None``
            without one.
        unusual: What of the image lies outside what the model has seen; the interval then promises nothing.
    """

    path: Path | None
    count: float
    density: Tensor
    size: tuple[int, int]
    tiles: int = 1
    interval: tuple[float, float] | None = None
    unusual: tuple[str, ...] = ()


def predict(
    model: CrowdModel,
    images: str | Path | PixelArray | Iterable[str | Path | Tensor | PixelArray],
    *,
    device: str | torch.device = "auto",
    precision: str = "float32",
    tile: TileSize = "auto",
    memory: float | None = None,
    exact: bool = True,
    readers: int | None = None,
    calibration: Calibration | None = None,
    progress: bool = False,
    skipped: list[str] | None = None,
) -> Iterator[Count]:
    """Count the people in images, one after the other.

    Photographs are turned upright as their EXIF tag says. Files are decoded by threads while the network is at
    work on the ones before.

    An image that would take more than ``memory`` is counted in tiles. Each is seen with as much around it as its
    cells depend on, so that the map is that of the whole image up to rounding. See the docs, *Counting*.

    Args:
        model: The network.
        images: A file, a folder, or an iterable of files, folders, tensors :math:`(3, H, W)`, RGB in [0, 1], and
            arrays of 8 or 16 bits, :math:`(H, W, 3)` or :math:`(H, W)`. Of an array, such as a memory map, no more
            than a tile is read at once. Pixels of ``.npy`` files and of uncompressed TIFF are mapped so.
        device: Where to compute.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        tile: ``"auto"``, a number of pixels (tiles of that side), or ``None`` (always whole).
        memory: GiB that the network may take for an image before it is tiled. If ``None``, half of what is free,
            and at most 1.5 GiB for a tile.
        exact: Refuse to tile where that could change the count: with a model whose every cell sees the whole image
            (CAN, SANet, SFCN). If false, such a model counts each tile with a quarter of its side around it, and
            so does one that looks further than that.
        readers: Threads that decode ahead; 0 for none, ``None`` for one a core and at most four.
        calibration: What the model's counts are worth, to tell of every image its interval and what is unusual in it.
        progress: Whether to draw progress bars, over images and over the tiles of one.
        skipped: A list that takes a line for each file that cannot be read; without one, such a file raises.

    Yields:
        One :class:`Count` an image, in order.

    Raises:
        DataError: If a file cannot be read and there is no ``skipped``.
        ShapeError: If a tensor or array is no image.
        DTypeError: If an array does not hold whole numbers of 8 or 16 bits.
        ArgumentError: If ``tile``, ``memory`` or ``readers`` is out of range, or a tile size is asked of a model
            that cannot be tiled exactly.
        ImageTooLargeError: If an image does not fit into memory, whole or in tiles.

    Examples:
        >>> from crowdkit.models import create_model
        >>> [found] = predict(create_model("cfanet_lite"), [torch.rand(3, 40, 60)], device="cpu")
        >>> found.size, tuple(found.density.shape), found.tiles
        ((40, 60), (1, 1, 10, 15), 1)
    """
    if readers is None:
        readers = min(4, os.cpu_count() or 1)
    if readers < 0:
        raise ArgumentError(f"readers: expected a number of threads >= 0, got {readers}")
    place = pick_device(str(device))
    model = model.to(place)
    estimator = Estimator(
        model,
        device=place,
        precision=precision,
        tile=tile,
        memory=memory,
        exact=exact,
        progress=progress,
    )
    todo = _sources(images)
    with (
        closing(prefetch(todo, open_image, threads=readers, weigh=decoded_bytes)) as opened,
        tqdm(total=len(todo), disable=not progress, unit="image") as bar,
    ):
        for _, reading in opened:
            try:
                picture = reading.result()
            except DataError as error:
                if skipped is None:
                    raise
                skipped.append(str(error))
                bar.update()
                continue
            density, tiles = estimator(picture)
            count = float(density.sum())
            bar.update()
            yield Count(
                path=picture.path,
                count=count,
                density=density,
                size=picture.size,
                tiles=tiles,
                interval=None if calibration is None else calibration.interval(count),
                unusual=()
                if calibration is None
                else calibration.domain.unusual(image_traits(picture, density, stride=model.stride)),
            )


def _sources(images: str | Path | PixelArray | Iterable[str | Path | Tensor | PixelArray]) -> list[Source]:
    if isinstance(images, (str, Path)):
        return [*list_images([images])]
    if isinstance(images, PixelArray) and not isinstance(images, Tensor):
        return [images]  # an array is one image, a tensor a batch of them
    return [
        source
        for each in images
        for source in (list_images([each]) if isinstance(each, (str, Path)) else [each])
    ]
