"""Density classes: the target of the fine attention map."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from crowdkit.errors import ArgumentError, DataError, ShapeError, check_choice
from crowdkit.ops import check_levels, check_stride

Method = Literal["equal_population", "equal_width"]

# Values are counted in bins of equal ratio (0.2 % each) up to 1e3 people per pixel.
_BINS = 8192
_HIGHEST = 1e3


class DensityLevels(nn.Module):
    r"""Density classes 0 to k - 1: the target of the fine attention map (FAM).

    Class 0 is the background, below the first edge; class k - 1 is the densest. The paper divides the other values
    "into k - 1 categories" without saying how. :meth:`fit` gives them equal populations over the training set, or
    equal widths; :meth:`per_image` uses the quantiles of each image.

    Args:
        edges: The k - 1 lower edges of classes 1 to k - 1, ascending, in people per full-resolution
            pixel. The first is the background threshold.

    Raises:
        ArgumentError: If the edges are not positive and ascending.

    References:
        The CFANet paper, sections 3.3 and 4.1.

    Examples:
        >>> import torch
        >>> levels = DensityLevels([1e-5, 1e-3, 1e-2])
        >>> levels(torch.tensor([0.0, 1e-5, 0.005, 0.5]))
        tensor([0, 1, 2, 3])
        >>> levels.weights
        tensor([0.0000, 0.3333, 0.6667, 1.0000])
    """

    edges: Tensor
    weights: Tensor

    def __init__(self, edges: Sequence[float] | Tensor) -> None:
        super().__init__()
        ladder = torch.as_tensor(edges, dtype=torch.float32)
        if ladder.ndim != 1 or len(ladder) < 1:
            raise ShapeError(f"edges: expected a list of k - 1 numbers, got shape {tuple(ladder.shape)}")
        if float(ladder[0]) <= 0 or bool((ladder.diff() < 0).any()) or not bool(ladder.isfinite().all()):
            raise ArgumentError(f"edges: expected positive ascending numbers, got {ladder.tolist()}")
        self.register_buffer("edges", ladder)
        self.register_buffer("weights", torch.linspace(0, 1, len(ladder) + 1), persistent=False)

    @property
    def levels(self) -> int:
        """Number of classes k, the background included."""
        return len(self.edges) + 1

    @property
    def threshold(self) -> float:
        """People per full-resolution pixel below which a cell is background."""
        return float(self.edges[0])

    def forward(self, density: Tensor, *, stride: int = 1) -> Tensor:
        """Return the class of each cell.

        Args:
            density: People per cell, any shape.
            stride: Side of a cell in pixels; the map is divided by its square first.

        Returns:
            Classes 0 to k - 1, int64, the shape of ``density``.
        """
        check_stride(stride)
        return torch.bucketize(density.float() / stride**2, self.edges.to(density.device), right=True)

    @classmethod
    def fit(
        cls,
        maps: Iterable[Tensor],
        *,
        levels: int = 6,
        threshold: float = 1e-5,
        method: Method = "equal_population",
        stride: int = 1,
    ) -> "DensityLevels":
        """Find the edges in one pass over the maps of a training set.

        Values are counted in 8,192 bins of equal ratio, so memory does not grow with the set and an edge is exact to
        0.3 %.

        Args:
            maps: Density maps of any shapes, in people per cell.
            levels: Number of classes k, the background included.
            threshold: Background threshold, in people per full-resolution pixel.
            method: ``"equal_population"`` (quantiles) or ``"equal_width"``.
            stride: Stride of the maps.

        Returns:
            The fitted levels.

        Raises:
            ArgumentError: If ``levels`` < 2 or ``threshold`` is not positive.
            DataError: If no value reaches the threshold.
            UnknownNameError: If ``method`` is not known.

        Examples:
            >>> import torch
            >>> DensityLevels.fit([torch.linspace(0, 1, 1001)], levels=3, threshold=0.2).edges
            tensor([0.2000, 0.5999])
        """
        _check_levels(levels, threshold)
        check_choice("method", method, ("equal_population", "equal_width"))
        check_stride(stride)
        counts = torch.zeros(_BINS, dtype=torch.float64)
        highest = 0.0
        span = math.log(_HIGHEST / threshold)
        for density in maps:
            values = density.detach().flatten().to(torch.float64) / stride**2
            # The same float32 comparison as in forward separates the background.
            values = values[density.detach().flatten().float() / stride**2 >= threshold]
            if len(values) == 0:
                continue
            highest = max(highest, float(values.max()))
            if not highest < _HIGHEST:
                raise DataError(
                    f"maps: expected fewer than {_HIGHEST:g} people per pixel, got {highest:g}; is the map scaled?"
                )
            place = (values / threshold).log_().mul_(_BINS / span).long().clamp_(0, _BINS - 1)
            counts += torch.bincount(place, minlength=_BINS).to("cpu", torch.float64)
        if highest == 0.0:
            raise DataError(f"maps: expected values of at least {threshold}, got none; is the set empty?")
        steps = torch.arange(1, levels - 1, dtype=torch.float64) / (levels - 1)
        if method == "equal_width":
            inner = threshold + steps * (highest - threshold)
        else:
            inner = _quantiles(counts, steps, threshold, span)
        return cls([threshold, *inner.tolist()])

    @classmethod
    def per_image(cls, levels: int = 6, *, threshold: float = 1e-5) -> "PerImageDensityLevels":
        """Make levels whose edges are the quantiles of each image.

        Args:
            levels: Number of classes k, the background included.
            threshold: Background threshold, in people per full-resolution pixel.

        Returns:
            Levels that are called in the same way.
        """
        return PerImageDensityLevels(levels, threshold=threshold)

    def save(self, path: str | Path) -> None:
        """Write the edges as JSON."""
        Path(path).write_text(json.dumps({"edges": self.edges.tolist()}) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "DensityLevels":
        """Read a file written by :meth:`save`.

        Raises:
            DataError: If the file does not hold density levels.
        """
        try:
            return cls(json.loads(Path(path).read_text(encoding="utf-8"))["edges"])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path}: expected the edges of density levels, got {error!r}") from error

    def extra_repr(self) -> str:
        """The edges, formatted for printing."""
        return ", ".join(f"{edge:.3g}" for edge in self.edges.tolist())


class PerImageDensityLevels(nn.Module):
    """Density classes by the quantiles of each image; made by :meth:`DensityLevels.per_image`.

    Args:
        levels: Number of classes k, the background included.
        threshold: Background threshold, in people per full-resolution pixel.

    Examples:
        >>> import torch
        >>> DensityLevels.per_image(3)(torch.tensor([[[[0.0, 1.0, 2.0, 3.0, 4.0]]]]))
        tensor([[[[0, 1, 1, 2, 2]]]])
    """

    weights: Tensor

    def __init__(self, levels: int = 6, *, threshold: float = 1e-5) -> None:
        super().__init__()
        _check_levels(levels, threshold)
        self.levels = levels
        self.threshold = threshold
        self.register_buffer("weights", torch.linspace(0, 1, levels), persistent=False)

    def forward(self, density: Tensor, *, stride: int = 1) -> Tensor:
        """Return the class of each cell.

        Args:
            density: People per cell. The last three dimensions form an image and any before them index images; a
                map of two or three dimensions is one image.
            stride: Side of a cell in pixels; the map is divided by its square first.

        Returns:
            Classes 0 to k - 1, int64, the shape of ``density``.
        """
        check_stride(stride)
        flat = density.float().reshape(-1, *density.shape[-3:]).flatten(1) / stride**2
        ranks = torch.where(flat >= self.threshold, flat, torch.nan)
        steps = torch.arange(1, self.levels - 1, device=flat.device, dtype=flat.dtype) / (self.levels - 1)
        inner = ranks.nanquantile(steps, dim=1).T.nan_to_num(nan=torch.inf)
        edges = torch.cat([torch.full_like(flat[:, :1], self.threshold), inner], dim=1)
        return (flat[:, :, None] >= edges[:, None]).sum(dim=2).reshape(density.shape)


def _check_levels(levels: int, threshold: float) -> None:
    check_levels(levels)
    if not 0 < threshold < _HIGHEST:
        raise ArgumentError(f"threshold: expected a number in (0, {_HIGHEST:g}), got {threshold}")


def _quantiles(counts: Tensor, steps: Tensor, threshold: float, span: float) -> Tensor:
    """The values below which the given fractions of the counted values lie, interpolated within the bin."""
    cumulative = counts.cumsum(0)
    wanted = steps * cumulative[-1]
    bins = torch.searchsorted(cumulative, wanted)
    before = cumulative[bins] - counts[bins]
    inside = (wanted - before) / counts[bins]
    return threshold * torch.exp((bins + inside) * (span / _BINS))
