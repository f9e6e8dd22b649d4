"""One whole image through a network."""

import torch
from torch import Tensor

from crowdkit.engine.precision import autocast, to_device
from crowdkit.errors import CrowdKitError
from crowdkit.models import CrowdModel


class ImageTooLargeError(CrowdKitError, MemoryError):
    """An image does not fit into the device's memory."""


@torch.no_grad()
def estimate(model: CrowdModel, image: Tensor, *, device: torch.device, precision: str = "float32") -> Tensor:
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
    training = model.training
    model.eval()
    try:
        with autocast(device, precision):
            density: Tensor = model(to_device(image[None], device)).density
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not isinstance(error, (torch.OutOfMemoryError, MemoryError)) and "allocate memory" not in str(
            error
        ):
            raise
        height, width = image.shape[-2:]
        raise ImageTooLargeError(
            f"image: expected one that fits into the memory of {device}, got {height} x {width}; use "
            "--device cpu, bfloat16 precision, or shrink it (data.long_side_max)"
        ) from error
    finally:
        model.train(training)
    return density.float()
