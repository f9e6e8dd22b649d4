"""Counting people in images of one's own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from crowdkit.data import read_image
from crowdkit.data.image import IMAGE_SUFFIXES
from crowdkit.engine.distributed import pick_device
from crowdkit.engine.whole import estimate
from crowdkit.errors import DataError, ShapeError
from crowdkit.models import CrowdModel


@dataclass(frozen=True, kw_only=True)
class Count:
    """What a model sees in one image.

    Attributes:
        path: The image file; none for an image that was given as a tensor.
        count: Estimated number of people.
        density: Estimated density map in people per cell of the model's stride, shape :math:`(1, 1, h, w)`,
            on the CPU.
        size: Height and width of the image in pixels.
    """

    path: Path | None
    count: float
    density: Tensor
    size: tuple[int, int]


def list_images(places: Iterable[str | Path]) -> list[Path]:
    """List image files: folders become the images in them, by name.

    Args:
        places: Files and folders.

    Returns:
        The files; those that were named are not looked at.

    Raises:
        DataError: If a folder holds no image.
    """
    files: list[Path] = []
    for place in map(Path, places):
        if not place.is_dir():
            files.append(place)
            continue
        found = sorted(each for each in place.iterdir() if each.suffix.lower() in IMAGE_SUFFIXES)
        if not found:
            raise DataError(f"images: expected images ({', '.join(IMAGE_SUFFIXES)}) in {place}, got none")
        files += found
    return files


def predict(
    model: CrowdModel,
    images: str | Path | Iterable[str | Path | Tensor],
    *,
    device: str | torch.device = "auto",
    precision: str = "float32",
    progress: bool = False,
    skipped: list[str] | None = None,
) -> Iterator[Count]:
    """Count the people in images, one after the other.

    Photographs are turned upright as their EXIF tag says.

    Args:
        model: The network.
        images: A file, a folder, or an iterable of files, folders and tensors :math:`(3, H, W)`, RGB in
            [0, 1].
        device: Where to compute.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        progress: Whether to draw a progress bar.
        skipped: A list that takes a line for each file that cannot be read; without one, such a file raises.

    Yields:
        One :class:`Count` an image, in order.

    Raises:
        DataError: If a file cannot be read and there is no ``skipped``.
        ShapeError: If a tensor is not :math:`(3, H, W)`.

    Examples:
        >>> from crowdkit.models import create_model
        >>> [found] = predict(create_model("cfanet_lite"), [torch.rand(3, 40, 60)], device="cpu")
        >>> found.size, tuple(found.density.shape)
        ((40, 60), (1, 1, 10, 15))
    """
    given = [images] if isinstance(images, (str, Path)) else list(images)
    todo: list[Path | Tensor] = []
    for each in given:
        todo += [each] if isinstance(each, Tensor) else list_images([each])
    place = pick_device(str(device))
    model = model.to(place)
    for item in tqdm(todo, disable=not progress, unit="image"):
        path = None if isinstance(item, Tensor) else item
        try:
            image = item if isinstance(item, Tensor) else read_image(item, orient=True)
        except DataError as error:
            if skipped is None:
                raise
            skipped.append(str(error))
            continue
        if image.ndim != 3 or image.shape[0] != 3:
            raise ShapeError(f"images: expected tensors of shape (3, H, W), got {tuple(image.shape)}")
        density = estimate(model, image, device=place, precision=precision).cpu()
        size = (int(image.shape[-2]), int(image.shape[-1]))
        yield Count(path=path, count=float(density.sum()), density=density, size=size)
