"""Number formats and memory layouts."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from crowdkit.errors import check_choice

_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Make the context in which a network runs.

    Args:
        device: Where it runs.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.

    Returns:
        The context; it does nothing for float32.

    Raises:
        UnknownNameError: If there is no such precision.
    """
    check_choice("precision", precision, ("float32", *_DTYPES))
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=_DTYPES[precision])


def to_device(images: Tensor, device: torch.device, *, channels_last: bool = False) -> Tensor:
    """Move a batch of images to where the network is.

    Args:
        images: Shape :math:`(B, 3, H, W)`.
        device: The device.
        channels_last: Whether to use the channels-last memory format.

    Returns:
        The images.
    """
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return images.to(device, non_blocking=True, memory_format=layout)
