"""Number formats and memory layouts."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from crowdkit.errors import check_choice

_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Create the autocast context in which a network runs.

    Args:
        device: The device it runs on.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.

    Returns:
        The context; it does nothing for float32.

    Raises:
        UnknownNameError: If there is no such precision.
    """
    check_choice("precision", precision, ("float32", *_DTYPES))
    if precision == "float32":
        return nullcontext()
    if device.type == "cpu":
        return _on_cpu(_DTYPES[precision])
    return torch.autocast(device.type, dtype=_DTYPES[precision])


@contextmanager
def _on_cpu(dtype: torch.dtype) -> Iterator[None]:
    with _DepthwiseInFloat32(), torch.autocast("cpu", dtype=dtype):
        yield


class _DepthwiseInFloat32(TorchFunctionMode):
    """Run depthwise convolutions in float32 while a gradient is recorded.

    On a CPU, torch's backward of a depthwise convolution in half precision takes up to 40 times as long as in float32:
    eight tenths of the training step of an EfficientNet.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.conv2d and torch.is_grad_enabled() and len(args) > 1 and _is_depthwise(*args[:2]):
            with torch.autocast("cpu", enabled=False):
                wide: list[Any] = [each.float() if isinstance(each, Tensor) else each for each in args]
                return func(*wide, **kwargs).to(torch.get_autocast_dtype("cpu"))
        return func(*args, **kwargs)


def _is_depthwise(x: Tensor, weight: Tensor) -> bool:
    return x.dtype != torch.float64 and x.shape[-3] == weight.shape[0] > 1 and weight.shape[1] == 1


def to_device(images: Tensor, device: torch.device, *, channels_last: bool = False) -> Tensor:
    """Move a batch of images to the network's device.

    Args:
        images: Shape :math:`(B, 3, H, W)`.
        device: The device.
        channels_last: Whether to use the channels-last memory format.

    Returns:
        The images.
    """
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return images.to(device, non_blocking=True, memory_format=layout)
