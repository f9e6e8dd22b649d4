"""Common parts of encoders: normalization, and reading weights without running code."""

import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from crowdkit.errors import DataError, DTypeError, ShapeError
from crowdkit.layers._checkpoint import read_state


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
        path: The file; a training checkpoint's weights are found in it, and what lies beside them is passed over.

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

            state = load_file(file)
        else:
            state = read_state(file)
    except DataError:
        raise
    except Exception as error:  # each reader's own
        said = re.sub(r"\x1b\[[0-9;]*m", "", " ".join(str(error).split()))[:200]
        raise DataError(
            f"weights: expected a state dictionary in {path}, got an unreadable file ({said}); download it again"
        ) from error
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
