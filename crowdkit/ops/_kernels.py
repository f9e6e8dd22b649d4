"""The one-dimensional kernels that make up a density map."""

from typing import NamedTuple

import torch
from torch import Tensor

# Below this sigma a kernel is a single pixel; the bound keeps the exponent finite.
_SMALLEST_SIGMA = 1e-6
# exp(-80) is negligible beside a kernel's largest sample, 1; smaller numbers are slow to compute.
_LARGEST_EXPONENT = 80.0


class Kernels(NamedTuple):
    """The kernels of N heads: all along x first, then all along y, so that every field has shape (2 N,)."""

    pixel: Tensor  # the head's pixel, int64
    shift: Tensor  # 1 - 2 f, where f is the head's position inside that pixel
    bend: Tensor  # -1 / (2 sigma^2)
    first: Tensor  # window, inclusive, int64
    last: Tensor

    @classmethod
    def of(
        cls, points: Tensor, sigmas: Tensor, size: tuple[int, int], truncate: float, dtype: torch.dtype
    ) -> "Kernels":
        """Cut a window around each of the points (N, 2) out of each axis."""
        height, width = size
        exact = points.to(torch.float64).T
        floor = exact.floor()
        pixel = floor.to(torch.int64)
        radius = (truncate * sigmas + 0.5).clamp(max=max(size)).to(torch.int64)
        last = pixel + radius
        last[0].clamp_(max=width - 1)
        last[1].clamp_(max=height - 1)
        bend = -0.5 / sigmas.clamp(min=_SMALLEST_SIGMA).square()
        return cls(
            pixel=pixel.flatten(),
            shift=(1 - 2 * (exact - floor)).to(dtype).flatten(),
            bend=bend.to(dtype).repeat(2),
            first=(pixel - radius).clamp(min=0).flatten(),
            last=last.flatten(),
        )

    def take(self, index: Tensor) -> "Kernels":
        """Select kernels by index; an index may repeat."""
        return Kernels(*(field.index_select(0, index) for field in self))

    def heads(self, index: Tensor) -> "Kernels":
        """Select heads, with both kernels of each."""
        return self.take(torch.cat((index, index + len(self.pixel) // 2)))

    def moved_down(self, pixels: Tensor) -> "Kernels":
        """Move the kernels along y by whole pixels, (N,)."""
        shift = torch.cat((torch.zeros_like(pixels), pixels))
        return self._replace(pixel=self.pixel + shift, first=self.first + shift, last=self.last + shift)

    def spans(self, length: int) -> Tensor:
        """Count the equal parts of the axis that each window overlaps."""
        return self.last // length - self.first // length + 1

    def samples(self, start: Tensor, cells: int, stride: int) -> Tensor:
        """Sum each kernel over cells, starting at pixel ``start``: (2 N, cells).

        The kernels are not normalized: the largest sample is at most 1.
        """
        # With k = pixel - head's pixel, the squared distance minus its minimum is k (k + 1 - 2 f):
        # the largest exponent is 0, so that no sigma underflows.
        dtype = self.shift.dtype
        ahead = torch.arange(cells * stride, dtype=dtype, device=start.device)
        k = (start - self.pixel).to(dtype)[:, None] + ahead
        kernel = k * self.bend[:, None]
        kernel.mul_(k + self.shift[:, None]).clamp_(min=-_LARGEST_EXPONENT).exp_()
        # 1 inside the window, 0 outside. Comparisons and torch.where are several times slower on a CPU.
        middle = (self.first + self.last - 2 * self.pixel).to(dtype) / 2
        reach = (self.last - self.first).to(dtype) / 2 + 1
        inside = k.sub_(middle[:, None]).abs_().neg_().add_(reach[:, None]).clamp_(min=0, max=1)
        kernel.mul_(inside)
        return kernel.view(len(kernel), cells, stride).sum(dim=2) if stride > 1 else kernel
