"""The one-dimensional kernels that a map of heads is made of."""

from typing import NamedTuple

import torch
from torch import Tensor

# Below this a kernel is one pixel; the bound keeps the exponent finite.
_SMALLEST_SIGMA = 1e-6
# exp(-80) is nothing beside a kernel's largest sample, 1; smaller numbers are slow to take.
_LARGEST_EXPONENT = 80.0


class Kernels(NamedTuple):
    """The kernels of N heads: first all along x, then all along y, so that every field has shape (2 N,)."""

    pixel: Tensor  # the head's pixel, int64
    shift: Tensor  # 1 - 2 f, f being its place inside that pixel
    bend: Tensor  # -1 / (2 sigma^2)
    first: Tensor  # window, both ends included, int64
    last: Tensor

    @classmethod
    def of(
        cls, points: Tensor, sigmas: Tensor, size: tuple[int, int], truncate: float, dtype: torch.dtype
    ) -> "Kernels":
        """Cut a window out of each axis about each of the points (N, 2)."""
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
        """Choose kernels, some of them more than once."""
        return Kernels(*(field.index_select(0, index) for field in self))

    def heads(self, index: Tensor) -> "Kernels":
        """Choose heads, both kernels of each."""
        return self.take(torch.cat((index, index + len(self.pixel) // 2)))

    def moved_down(self, pixels: Tensor) -> "Kernels":
        """Move the kernels along y by whole pixels, (N,)."""
        shift = torch.cat((torch.zeros_like(pixels), pixels))
        return self._replace(pixel=self.pixel + shift, first=self.first + shift, last=self.last + shift)

    def spans(self, length: int) -> Tensor:
        """Count the parts of the axis, of one length, that each window meets."""
        return self.last // length - self.first // length + 1

    def samples(self, start: Tensor, cells: int, stride: int) -> Tensor:
        """Sum each kernel over cells from pixel ``start`` on: (2 N, cells).

        They are not normalized: the largest sample is at most 1.
        """
        # With k = pixel - head's pixel, the squared distance less its smallest value is k (k + 1 - 2 f):
        # the largest exponent is 0 and no sigma underflows.
        dtype = self.shift.dtype
        ahead = torch.arange(cells * stride, dtype=dtype, device=start.device)
        k = (start - self.pixel).to(dtype)[:, None] + ahead
        kernel = k * self.bend[:, None]
        kernel.mul_(k + self.shift[:, None]).clamp_(min=-_LARGEST_EXPONENT).exp_()
        # 1 inside the window, 0 outside. Comparisons and choices are several times as slow on a CPU.
        middle = (self.first + self.last - 2 * self.pixel).to(dtype) / 2
        reach = (self.last - self.first).to(dtype) / 2 + 1
        inside = k.sub_(middle[:, None]).abs_().neg_().add_(reach[:, None]).clamp_(min=0, max=1)
        kernel.mul_(inside)
        return kernel.view(len(kernel), cells, stride).sum(dim=2) if stride > 1 else kernel
