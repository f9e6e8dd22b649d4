"""Images through a network, and what happens when memory runs out."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from crowdkit.errors import CrowdKitError
from crowdkit.models import CrowdModel
from crowdkit.runtime import autocast, to_device

_CPU = torch.device("cpu")


class ImageTooLargeError(CrowdKitError, MemoryError):
    """An image does not fit into the device's memory."""


def predict_density(
    model: CrowdModel, image: Tensor, *, device: torch.device, precision: str = "float32"
) -> Tensor:
    """Estimate the density map of one whole image, as a model in ``eval()`` does.

    A model in another mode is left in it: a copy counts (:func:`eval_copy`).

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
        with torch.no_grad(), autocast(device, precision):
            # Convolutions of a CPU are up to half as fast again on it, whatever the layout of the weights.
            density: Tensor = in_eval(model)(to_device(images, device, channels_last=True)).density
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


def eval_copy(model: CrowdModel, device: torch.device) -> CrowdModel:
    """Copy a model to count with: in ``eval()`` for good, whatever becomes of the mode and hooks of the model.

    Several threads may share a model, one of them training it. Parameters and buffers that are on the device
    already are those of the model, not copies; a copy in ``eval()`` changes none.

    Args:
        model: The network; it is not changed.
        device: Where the copy shall be.

    Returns:
        The copy.

    Examples:
        >>> from crowdkit.models import create_model
        >>> model = create_model("mcnn")
        >>> twin = eval_copy(model, torch.device("cpu"))
        >>> model.training, twin.training, next(model.parameters()) is next(twin.parameters())
        (True, False, True)
    """
    tensors: list[Tensor] = [*model.parameters(), *model.buffers()]
    there = torch.empty(0, device=device).device  # "cuda" is one with a number
    shared: dict[int, Any] = {id(each): each for each in tensors if each.device == there}
    return deepcopy(model, shared).to(device).eval()


def in_eval(model: CrowdModel) -> CrowdModel:
    """Return the model itself if all of it is in ``eval()``, else a copy that is.

    Args:
        model: The network; it is not changed.
    """
    if not any(each.training for each in model.modules()):
        return model
    return eval_copy(model, next((each.device for each in model.parameters()), _CPU))
