"""How dense a training set is: the two numbers that losses and outputs are scaled by."""

from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor

from crowdkit.errors import ArgumentError, DataError
from crowdkit.ops import check_stride


class DensityScale(NamedTuple):
    """How dense the true maps of a training set are, in people per full-resolution pixel.

    It depends on the data set and on the spread of a head, hardly on the stride.

    Attributes:
        mean: Mean over all cells: where a network's output begins well
            (:class:`crowdkit.layers.DensityHead`).
        crowd: Mean over the cells of the crowd: what the constants of SSIM are measured against
            (:class:`crowdkit.losses.GraduatedBSL`).

    Examples:
        >>> import torch
        >>> DensityScale.fit([torch.tensor([[0.0, 0.0, 0.25, 0.75]])], stride=4)
        DensityScale(mean=0.015625, crowd=0.03125)
    """

    mean: float
    crowd: float

    @classmethod
    def fit(cls, maps: Iterable[Tensor], *, threshold: float = 1e-5, stride: int = 1) -> "DensityScale":
        """Measure the maps of a training set in one pass.

        Args:
            maps: Density maps of any shapes, in people per cell.
            threshold: People per full-resolution pixel from which a cell belongs to the crowd.
            stride: Stride of the maps.

        Returns:
            The two densities.

        Raises:
            ArgumentError: If ``threshold`` is not positive.
            DataError: If no cell reaches the threshold.
        """
        if not threshold > 0:
            raise ArgumentError(f"threshold: expected a number > 0, got {threshold!r}")
        check_stride(stride)
        people, crowd_people, cells, crowd_cells = 0.0, 0.0, 0, 0
        for density in maps:
            density = density.detach().double() / stride**2
            crowd = density >= threshold
            people += float(density.sum())
            crowd_people += float(density[crowd].sum())
            cells += density.numel()
            crowd_cells += int(crowd.sum())
        if not crowd_cells:
            raise DataError(
                f"maps: expected crowd, cells of at least {threshold:g} people per pixel, got none in {cells} "
                "cells; check the points and the stride"
            )
        return cls(mean=people / cells, crowd=crowd_people / crowd_cells)
