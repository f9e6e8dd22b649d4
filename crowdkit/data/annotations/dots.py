"""Dot pictures: an image as large as the photograph, black but for a dot on each head."""

import io
import math
from collections.abc import Sequence
from pathlib import PurePosixPath

import torch

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.source import Source
from crowdkit.errors import DataError

# Of a picture with more than this share of it lit, or with larger dots, nobody could say where the heads are.
_MOST, _LARGEST = 0.1, 400


def _recognize(source: Source) -> bool:
    return source.kind == "image"


def _read(source: Source) -> list[ImageHeads]:
    import numpy as np
    from scipy.ndimage import center_of_mass, label  # type: ignore[attr-defined]

    from crowdkit.data.image import opened

    with opened(source.path) as image:
        pixels = np.asarray(image.convert("RGB") if image.mode in ("P", "RGBA", "LA", "CMYK") else image)
    lit = pixels.astype(bool).any(axis=-1) if pixels.ndim == 3 else pixels.astype(bool)
    parts, number = label(lit, structure=np.ones((3, 3)))
    areas = np.bincount(parts.ravel())[1:]
    if lit.mean() > _MOST or areas.max(initial=0) > _LARGEST:
        raise DataError(
            f"{source.path}: expected a black picture with a dot on each head, got {lit.mean():.0%} of it lit; "
            "give the heads in another form"
        )
    if number and areas.min() == 1:  # a pixel for each head; two that touch are two heads
        rows, columns = np.nonzero(lit)
        points = np.stack([columns, rows], axis=1)
    else:
        centers = center_of_mass(lit, parts, range(1, number + 1))
        points = np.array([(x, y) for y, x in centers])
    places = torch.from_numpy(points.reshape(-1, 2).astype(np.float64))
    return [ImageHeads(points=places, image_size=(lit.shape[0], lit.shape[1]))]


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    """Write one lit pixel for each head; heads in one pixel, or outside the image, cannot be written."""
    import numpy as np
    from PIL import Image

    files: dict[str, str | bytes] = {}
    for image in images:
        lit = np.zeros(image.known_size(), dtype=np.uint8)
        for head in image.heads():
            row, column = math.floor(head.y + 0.5), math.floor(head.x + 0.5)
            if not (0 <= row < lit.shape[0] and 0 <= column < lit.shape[1]) or lit[row, column]:
                raise DataError(
                    f"{image.known_name()}: expected one head in a pixel of the image, got another at "
                    f"({head.x:g}, {head.y:g}); choose a format of points"
                )
            lit[row, column] = 255
        content = io.BytesIO()
        Image.fromarray(lit).save(content, "PNG")
        name = PurePosixPath(image.known_name())
        files[str(name.with_name(f"{name.stem}_dots.png"))] = content.getvalue()
    return files


FORMATS = (
    Format(
        name="dots",
        title="dot pictures",
        recognize=_recognize,
        read=_read,
        write=_write,
        loses=("classes", "sizes", "parts of pixels"),
        convention="index",
    ),
)
