"""One model that counts images of any size: whole where memory allows, else in tiles."""

import math
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from crowdkit.counting.density import ImageTooLargeError, predict_density_batch
from crowdkit.counting.grid import Tile, round_up, tiles_of_side, tiles_within
from crowdkit.counting.memory import PROBE_SIDE, bytes_per_pixel, free_memory
from crowdkit.counting.reach import Reach, find_reach
from crowdkit.counting.tiling import predict_density_tiled
from crowdkit.data import LazyImage
from crowdkit.errors import ArgumentError
from crowdkit.models import CrowdModel

TileSize = int | Literal["auto"] | None

_GIB = 2**30
# With this and the pixels in 8 bits, 100 megapixels stay under 3 GB; larger tiles would show fewer pixels twice.
_TILE_BYTES = 3 * _GIB // 2
_MOST_AT_ONCE = 16


class Estimator:
    """Estimate density maps of images of any size with one model.

    Args:
        model: The network, on ``device``.
        device: Where to compute.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        tile: ``"auto"``: whole if that takes at most ``memory``, else in tiles. A number: in tiles of that side,
            in pixels. ``None``: whole.
        memory: GiB that the network may take for one image; half of what is free if ``None``, and then at most
            1.5 GiB for tiles.
        exact: Refuse tiles where they could give another count than the whole image: a cell of the model sees all
            of it. If false, the halo is a quarter of the tile at most, for every model.
        progress: Whether to draw a progress bar over the tiles of an image.

    Raises:
        ArgumentError: If ``tile`` or ``memory`` is out of range.
    """

    def __init__(
        self,
        model: CrowdModel,
        *,
        device: torch.device,
        precision: str = "float32",
        tile: TileSize = "auto",
        memory: float | None = None,
        exact: bool = True,
        progress: bool = False,
    ) -> None:
        number = isinstance(tile, int) and not isinstance(tile, bool) and tile > 0
        if not (number or tile is None or tile == "auto"):
            raise ArgumentError(f"tile: expected 'auto', None or a number of pixels > 0, got {tile!r}")
        if memory is not None and not memory > 0:
            raise ArgumentError(f"memory: expected GiB > 0, or None, got {memory!r}")
        self.model = model
        self.device = device
        self.precision = precision
        self.tile = tile
        self.memory = memory
        self.exact = exact
        self.progress = progress

    def __call__(self, picture: LazyImage) -> tuple[Tensor, int]:
        """Estimate the density map of one image.

        Args:
            picture: The image.

        Returns:
            People per cell, float32, shape :math:`(1, 1, h, w)`, on the CPU; and the number of tiles, 1 for an
            image that was seen whole.

        Raises:
            ImageTooLargeError: If memory does not suffice.
            ArgumentError: If tiles are asked for that could give another count.
        """
        if self.tile is None:
            return self._whole(picture), 1
        if not isinstance(self.tile, str):
            return self._by_side(picture, self.tile)
        pixels = picture.size[0] * picture.size[1]
        if pixels <= PROBE_SIDE**2:
            return self._whole(picture), 1
        need, budget = pixels * self._per_pixel, self._budget
        told = None
        if need <= budget or not self._may_tile:
            self._check_room(picture, need)
            try:
                return self._whole(picture), 1
            except ImageTooLargeError as error:
                told = str(error)  # the error itself would hold on to the memory
            if not self._may_tile:
                raise ImageTooLargeError(told)
            budget = need / 4
        elif self.memory is None:
            budget = min(budget, _TILE_BYTES)
        return self._shrinking(picture, budget, told)

    @cached_property
    def reach(self) -> Reach:
        """How far the model's cells see."""
        return find_reach(self.model)

    @cached_property
    def _per_pixel(self) -> float:
        return bytes_per_pixel(self.model, device=self.device, precision=self.precision)

    @property
    def _budget(self) -> float:
        return free_memory(self.device) / 2 if self.memory is None else self.memory * _GIB

    @property
    def _may_tile(self) -> bool:
        return not self.exact or self.reach.halo is not None

    def _whole(self, picture: LazyImage) -> Tensor:
        image = picture.part(picture.whole, device=self.device)
        return predict_density_batch(
            self.model, image[None], device=self.device, precision=self.precision
        ).cpu()

    def _check_room(self, picture: LazyImage, need: float) -> None:
        room = free_memory(self.device) if self.memory is None else self._budget
        if need <= room:
            return
        height, width = picture.size
        raise ImageTooLargeError(
            f"image: expected one that takes at most {room / _GIB:.1f} GiB, got {height} x {width}, which takes "
            f"about {need / _GIB:.1f} GiB; {self._why}, so shrink it, use tile=None (--tile none) to try "
            "nevertheless, or exact=False (--approximate) to count in tiles nevertheless"
        )

    @property
    def _why(self) -> str:
        return f"{self.model.name} looks at the whole image, and tiles would give another count"

    def _by_side(self, picture: LazyImage, side: int) -> tuple[Tensor, int]:
        if max(picture.size) <= side:
            return self._whole(picture), 1
        if not self._may_tile:
            raise ArgumentError(
                f"tile: expected 'auto' or None, got {side}; {self._why}: exact=False (--approximate) "
                "allows it"
            )
        multiple = self.reach.multiple
        halo = self._halo(round_up(side, multiple) // 4)
        tiles = tiles_of_side(picture.size, side=side, multiple=multiple, halo=halo)
        return self._tiles(picture, tiles, self._budget), len(tiles)

    def _shrinking(self, picture: LazyImage, budget: float, told: str | None) -> tuple[Tensor, int]:
        """Count in tiles that take ``budget`` bytes, and in smaller ones while memory runs out."""
        before = 1
        while True:
            pixels = int(budget / self._per_pixel)
            # A core of 4 halos is seen with 1 on either side.
            halo = self._halo(math.isqrt(pixels) // 6)
            tiles = tiles_within(picture.size, pixels=pixels, multiple=self.reach.multiple, halo=halo)
            if told is not None and len(tiles) <= before:
                raise ImageTooLargeError(told)
            try:
                return self._tiles(picture, tiles, budget), len(tiles)
            except ImageTooLargeError as error:
                told = told or str(error)
            before, budget = len(tiles), budget / 4

    def _halo(self, most: int) -> int:
        multiple, halo = self.reach
        if halo is not None and (self.exact or halo <= most):
            return halo
        return round_up(max(most, 1), multiple)

    def _tiles(self, picture: LazyImage, tiles: list[Tile], budget: float) -> Tensor:
        largest = max(height * width for height, width in (tile.seen.size for tile in tiles))
        # A CPU is busy with one; several take no less time each, and more memory.
        at_once = 1 if self.device.type == "cpu" else int(budget / (largest * self._per_pixel))
        return predict_density_tiled(
            self.model,
            picture,
            tiles,
            device=self.device,
            precision=self.precision,
            batch=max(1, min(_MOST_AT_ONCE, at_once)),
            progress=self.progress,
        )
