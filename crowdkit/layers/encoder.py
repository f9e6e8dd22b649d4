"""Common parts of encoders: normalization, and reading weights without running code."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from crowdkit.errors import DataError, DTypeError, ShapeError

# The keys under which training scripts store weights in their checkpoints.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net")


class Normalize(nn.Module):
    """Subtract a mean and divide by a standard deviation per channel; the buffers are non-persistent.

    Args:
        mean: One value per channel, for images in [0, 1].
        std: One value per channel.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Normalize images (B, C, H, W)."""
        if not isinstance(images, Tensor):
            raise DTypeError(f"images: expected a tensor, got {type(images).__name__}; use torch.as_tensor")
        if (
            images.ndim != 4
            or 0 in images.shape[1:]
            or images.shape[1] != len(self.mean)
            or not images.is_floating_point()
        ):
            raise ShapeError(
                f"images: expected floating-point (B, {len(self.mean)}, H, W) with values in [0, 1], got "
                f"{images.dtype} {tuple(images.shape)}"
            )
        return (images.to(self.mean.dtype) - self.mean) / self.std


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read a state dictionary from a ``.safetensors`` or PyTorch file, without unpickling code.

    Args:
        path: The file; weights of a training checkpoint are found under ``state_dict`` and similar keys.

    Returns:
        Tensors by key, in float32 where they are floating point.

    Raises:
        DataError: If the file is missing or has another format.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(f"weights: expected a file, got {path}, which does not exist")
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(file)
        else:
            with torch.serialization.safe_globals(_numpy_numbers()):
                state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        raise DataError(
            f"weights: expected a state dictionary in {path}, got an unreadable file ({error})"
        ) from error
    if not isinstance(state, dict):
        raise DataError(f"weights: expected a state dictionary in {path}, got {type(state).__name__}")
    inner = [state[key] for key in _WRAPPERS if isinstance(state.get(key), dict)]
    state = inner[0] if inner else state
    tensors = {key: value for key, value in state.items() if isinstance(value, Tensor)}
    return {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}


def _numpy_numbers() -> list[Any]:
    """The classes PyTorch must allow to read a NumPy scalar, such as the best error stored with the weights."""
    import numpy as np

    make: Any = np.float64(0).__reduce__()[0]
    dtypes = {type(np.dtype(each)) for each in ("f4", "f8", "i4", "i8")}
    # The function's module was renamed; files use either name.
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    known = torch.serialization.get_safe_globals()
    # Globals that the user has allowed must stay allowed afterwards.
    return [each for each in (np.dtype, *dtypes, *((make, name) for name in names)) if each not in known]
