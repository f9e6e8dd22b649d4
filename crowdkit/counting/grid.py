"""Where the tiles of a large image lie: cores that share it out, and what the network sees around each."""

import math
from typing import NamedTuple

from crowdkit.data import Box


class Tile(NamedTuple):
    """One tile.

    Attributes:
        core: The part whose people it counts; the cores of an image share it out.
        seen: The core and its halo, cut at the image's own edges: what the network is shown.
    """

    core: Box
    seen: Box


def tiles_of_side(size: tuple[int, int], *, side: int, multiple: int, halo: int) -> list[Tile]:
    """Lay tiles whose cores are at most about ``side`` pixels high and wide.

    Cores begin at multiples of the network's deepest stride, so that the cells of a tile are cells of the image,
    and are of one size but for the last row and column.

    Args:
        size: Height and width of the image.
        side: Side of a core in pixels; rounded up to a multiple.
        multiple: The network's deepest stride.
        halo: Pixels that the network sees around a core, a multiple too.

    Returns:
        The tiles, row by row.

    Examples:
        >>> [tile.core.size for tile in tiles_of_side((20, 33), side=16, multiple=8, halo=8)]
        [(16, 16), (16, 16), (16, 1), (4, 16), (4, 16), (4, 1)]
        >>> tiles_of_side((20, 33), side=16, multiple=8, halo=8)[1].seen
        Box(top=0, bottom=20, left=8, right=33)
    """
    core = round_up(side, multiple)
    return _lay(size, (core, core), halo)


def tiles_within(size: tuple[int, int], *, pixels: int, multiple: int, halo: int) -> list[Tile]:
    """Lay tiles of at most ``pixels`` each, halo included, so that as few pixels as possible are seen twice.

    Tiles may be as wide as the image. Cores are never narrower than the halo, even if that takes more pixels: the
    network would spend nearly all of its time on halos.

    Args:
        size: Height and width of the image.
        pixels: Pixels that the network may be shown at once.
        multiple: The network's deepest stride.
        halo: Pixels that the network sees around a core, a multiple too.

    Returns:
        The tiles, row by row.

    Examples:
        >>> [tile.seen.size for tile in tiles_within((64, 64), pixels=48 * 64, multiple=8, halo=8)]
        [(40, 64), (40, 64)]
    """
    height, width = size
    least = max(multiple, halo)
    best: tuple[int, tuple[int, int]] | None = None
    for columns in range(1, math.ceil(width / least) + 1):
        across = round_up(math.ceil(width / columns), multiple)
        wide = min(width, across + (2 * halo if columns > 1 else 0))
        tall = pixels // wide
        if tall >= height:
            down, rows = round_up(height, multiple), 1
        else:
            down = (tall - 2 * halo) // multiple * multiple
            if down < least:
                continue
            rows = math.ceil(height / down)
            down = round_up(math.ceil(height / rows), multiple)
        cost = columns * wide * rows * min(height, down + (2 * halo if rows > 1 else 0))
        if best is None or cost < best[0]:
            best = cost, (down, across)
    return _lay(size, best[1] if best else (least, least), halo)


def round_up(length: int, multiple: int) -> int:
    """Give the smallest multiple that is not below ``length``."""
    return -(-length // multiple) * multiple


def _lay(size: tuple[int, int], core: tuple[int, int], halo: int) -> list[Tile]:
    rows, columns = (_spans(length, step, halo) for length, step in zip(size, core, strict=True))
    return [
        Tile(core=Box(*row[0], *column[0]), seen=Box(*row[1], *column[1]))
        for row in rows
        for column in columns
    ]


def _spans(length: int, step: int, halo: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    cores = [(begin, min(begin + step, length)) for begin in range(0, length, step)]
    return [((begin, end), (max(0, begin - halo), min(length, end + halo))) for begin, end in cores]
