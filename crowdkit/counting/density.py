"""Images through a network, and what happens when memory runs out."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from crowdkit.errors import CrowdKitError
from crowdkit.models import CrowdModel
from crowdkit.runtime import autocast, to_device


class ImageTooLargeError(CrowdKitError, MemoryError):
    """An image does not fit into the device's memory."""


def predict_density(
    model: CrowdModel, image: Tensor, *, device: torch.device, precision: str = "float32"
) -> Tensor:
    """Estimate the density map of one whole image.

    The model is in ``eval()`` meanwhile and back in its own mode afterwards.

    Args:
        model: The network, on ``device``.
        image: RGB in [0, 1], shape :math:`(3, H, W)`.
        device: Where to compute.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.

    Returns:
        People per cell, float32, shape :math:`(1, 1, h, w)`, on the device.

    Raises:
        ImageTooLargeError: If memory runs out.
    """
    return predict_density_batch(model, image[None], device=device, precision=precision)


def predict_density_batch(
    model: CrowdModel, images: Tensor, *, device: torch.device, precision: str = "float32"
) -> Tensor:
    """Estimate the density maps of images of one size; see :func:`predict_density`.

    Args:
        model: The network, on ``device``.
        images: RGB in [0, 1], shape :math:`(B, 3, H, W)`.
        device: Where to compute.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.

    Returns:
        People per cell, float32, shape :math:`(B, 1, h, w)`, on the device.

    Raises:
        ImageTooLargeError: If memory runs out.
    """
    try:
        with in_use(model), autocast(device, precision):
            # Convolutions of a CPU are up to half as fast again on it, whatever the layout of the weights.
            density: Tensor = model(to_device(images, device, channels_last=True)).density
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not isinstance(error, (torch.OutOfMemoryError, MemoryError)) and "allocate memory" not in str(
            error
        ):
            raise
        height, width = images.shape[-2:]
        raise ImageTooLargeError(
            f"image: expected one that fits into the memory of {device}, got {height} x {width}; use "
            "--device cpu, bfloat16 precision, or shrink it (data.long_side_max)"
        ) from error
    return density.float()


@contextmanager
def in_use(model: nn.Module) -> Iterator[None]:
    """Put a model into ``eval()`` without gradients for a while, and back into its own mode.

    Args:
        model: The network.
    """
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)
