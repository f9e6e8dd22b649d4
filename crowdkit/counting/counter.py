"""Counting people: one image, or all that come."""

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import torch
from tqdm import tqdm

from crowdkit.calibration import Calibration, image_traits
from crowdkit.counting.density import ImageTooLargeError, eval_copy
from crowdkit.counting.estimator import Estimator, TileSize
from crowdkit.counting.loading import open_model
from crowdkit.counting.prefetch import prefetch
from crowdkit.counting.result import Count, Unreadable, name_of
from crowdkit.counting.sources import Source, list_sources, open_source, weight_of
from crowdkit.data import LazyImage
from crowdkit.errors import ArgumentError, DataError, DTypeError, ShapeError
from crowdkit.models import CrowdModel
from crowdkit.runtime import pick_device

# What one image can do wrong; the others are counted.
_FAULTS = (DataError, ShapeError, DTypeError, ImageTooLargeError)


class Counter:
    """Count people in photographs: files, folders, addresses, arrays.

    An image that would take more than ``memory`` is counted in tiles. Each is seen with as much around it as its
    cells depend on, so that the map is that of the whole image up to rounding. See the docs, *Counting*.

    A counter has its own copy of the model, in ``eval()``, which shares the weights. It may be used by several
    threads; the model may be trained on meanwhile.

    Args:
        model: ``None`` for the bundled model; what :func:`~crowdkit.counting.open_model` takes: a name, a folder,
            a run; or a network.
        device: Where to compute.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        tile: ``"auto"``, a number of pixels (tiles of that side), or ``None`` (always whole).
        memory: GiB that the network may take for an image before it is tiled. If ``None``, half of what is free,
            and at most 1.5 GiB for a tile.
        exact: Refuse to tile where that could change the count: with a model whose every cell sees the whole image
            (CAN, SANet, SFCN). If false, such a model counts each tile with a quarter of its side around it, and
            so does one that looks further than that.
        readers: Threads that decode ahead in :meth:`stream`; 0 for none, ``None`` for one per core and at most four.
        calibration: What the counts are worth, for intervals and warnings; ``None`` for that of the model's folder.
        progress: Whether to draw progress bars, over images and over the tiles of one.

    Attributes:
        model: The copy that counts.
        calibration: What its counts are worth, if that was ever measured.
        device: Where it computes.

    Raises:
        ArgumentError: If ``tile``, ``memory`` or ``readers`` is out of range.
        ConfigError: If torch does not know the device or sees no such one.
        DataError: If there is no such model, or a file of it is damaged.

    Examples:
        >>> from crowdkit.models import create_model
        >>> counter = Counter(create_model("cfanet_lite"), device="cpu")
        >>> seen = counter.count(torch.rand(3, 40, 60))
        >>> seen.size, tuple(seen.density.shape), seen.tiles
        ((40, 60), (1, 1, 10, 15), 1)
    """

    def __init__(
        self,
        model: CrowdModel | str | Path | None = None,
        *,
        device: str | torch.device = "auto",
        precision: str = "float32",
        tile: TileSize = "auto",
        memory: float | None = None,
        exact: bool = True,
        readers: int | None = None,
        calibration: Calibration | None = None,
        progress: bool = False,
    ) -> None:
        if readers is None:
            readers = min(4, os.cpu_count() or 1)
        if readers < 0:
            raise ArgumentError(f"readers: expected a number of threads >= 0, got {readers}")
        self.device = pick_device(str(device))
        if not isinstance(model, CrowdModel):
            loaded = open_model(model)
            model, calibration = loaded.model, calibration or loaded.calibration
        self.model = eval_copy(model, self.device)
        self.calibration = calibration
        self._readers = readers
        self._progress = progress
        self._estimate = Estimator(
            self.model,
            device=self.device,
            precision=precision,
            tile=tile,
            memory=memory,
            exact=exact,
            progress=progress,
        )

    def count(self, source: Source) -> Count:
        """Count the people in one image.

        Args:
            source: A file, an address (``http://``, ``https://``), the bytes of a file, a file that is open, a
                Pillow image, an array (8 or 16 bits, or floating point in [0, 1]; :math:`(H, W, 3)` or
                :math:`(H, W)`), or a tensor (floating point in [0, 1] or uint8, :math:`(3, H, W)`). Files are
                turned upright as their EXIF tag says.

        Returns:
            The count.

        Raises:
            DataError: If the image cannot be read or is none, or if the network gives what is not a number.
            ShapeError: If an array or tensor has another shape.
            DTypeError: If an array or tensor holds other numbers.
            ImageTooLargeError: If the image does not fit into memory, whole or in tiles.
            ArgumentError: If a tile size was asked of a model that cannot be tiled exactly.
        """
        return self._see(open_source(source), name_of(source))

    def stream(
        self, sources: "Source | Iterable[Source]", *, recursive: bool = False
    ) -> Iterator[Count | Unreadable]:
        """Count images one after the other, as they are asked for.

        Files are decoded by threads while the network is at work on the ones before.

        Args:
            sources: What :meth:`count` takes; a folder; a pattern such as ``"photos/*.jpg"``; a list, ``.txt`` with
                one path per line; a batch, an array or tensor of four dimensions; or an iterable of all these.
            recursive: Whether to take the images of folders within folders.

        Yields:
            One answer per image, in order: its :class:`Count`, or :class:`Unreadable` with the reason why there is
            none.

        Raises:
            ArgumentError: If a tile size was asked of a model that cannot be tiled exactly.

        Examples:
            >>> from crowdkit.models import create_model
            >>> counter = Counter(create_model("mcnn"), device="cpu")
            >>> [type(seen).__name__ for seen in counter.stream([torch.rand(3, 40, 60), "missing.jpg"])]
            ['Count', 'Unreadable']
        """
        listed = list_sources(sources, recursive=recursive)
        # Only what comes bit by bit, and may have no end, is not looked through beforehand.
        todo = listed if isinstance(sources, Iterator) else list(listed)
        total = len(todo) if isinstance(todo, list) else None
        with (
            closing(prefetch(todo, open_source, threads=self._readers, weigh=weight_of)) as opened,
            tqdm(total=total, disable=not self._progress, unit="image") as bar,
        ):
            for source, reading in opened:
                answer: Count | Unreadable
                try:
                    answer = self._see(reading.result(), name_of(source))
                except _FAULTS as error:
                    answer = Unreadable.of(source, error)
                bar.update()
                yield answer
                if isinstance(answer, Count):
                    answer.picture.release()  # whoever keeps all counts shall not keep all pixels

    def _see(self, picture: LazyImage, name: str) -> Count:
        density, tiles = self._estimate(picture)
        count = float(density.sum())
        if not math.isfinite(count):
            lost = int((~density.isfinite()).sum())
            raise DataError(
                f"{name}: expected a density map of numbers, got {lost} of {density.numel()} cells from "
                f"{self.model.name} that are none; count in float32, or check the model's weights"
            )
        known = self.calibration
        return Count(
            source=name,
            path=picture.path,
            count=count,
            density=density,
            stride=self.model.stride,
            size=picture.size,
            tiles=tiles,
            interval=None if known is None else known.interval(count),
            unusual=()
            if known is None
            else known.domain.unusual(image_traits(picture, density, stride=self.model.stride)),
            picture=picture,
        )


def predict(
    model: CrowdModel,
    images: "Source | Iterable[Source]",
    *,
    device: str | torch.device = "auto",
    precision: str = "float32",
    tile: TileSize = "auto",
    memory: float | None = None,
    exact: bool = True,
    readers: int | None = None,
    calibration: Calibration | None = None,
    progress: bool = False,
) -> Iterator[Count | Unreadable]:
    """Count the people in images with a network, one after the other.

    It is ``Counter(model, ...).stream(images)``; see :class:`Counter` for the keywords and
    :meth:`Counter.stream` for what the images may be.

    Args:
        model: The network; its mode does not matter and is left as it is.
        images: A file, a folder, an array, or an iterable of them.
        device: As for :class:`Counter`.
        precision: As for :class:`Counter`.
        tile: As for :class:`Counter`.
        memory: As for :class:`Counter`.
        exact: As for :class:`Counter`.
        readers: As for :class:`Counter`.
        calibration: As for :class:`Counter`.
        progress: As for :class:`Counter`.

    Returns:
        One answer per image, in order: its :class:`Count`, or :class:`Unreadable` with the reason.

    Examples:
        >>> from crowdkit.models import create_model
        >>> [found] = predict(create_model("cfanet_lite"), [torch.rand(3, 40, 60)], device="cpu")
        >>> found.size, tuple(found.density.shape), found.tiles
        ((40, 60), (1, 1, 10, 15), 1)
    """
    counter = Counter(
        model,
        device=device,
        precision=precision,
        tile=tile,
        memory=memory,
        exact=exact,
        readers=readers,
        calibration=calibration,
        progress=progress,
    )
    return counter.stream(images)
