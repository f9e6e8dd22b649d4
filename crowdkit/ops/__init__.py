"""Pure tensor functions: the one place for splatting, pooling, window filters, upsampling, transport and peaks."""

from crowdkit import _guard as _guard
from crowdkit.ops.bands import by_rows as by_rows
from crowdkit.ops.checks import (
    check_bins as check_bins,
    check_finite_points as check_finite_points,
    check_levels as check_levels,
    check_map as check_map,
    check_pair as check_pair,
    check_points as check_points,
    check_stride as check_stride,
    check_tensor as check_tensor,
)
from crowdkit.ops.dilated import dilated_conv2d as dilated_conv2d
from crowdkit.ops.minimization import transport_points
from crowdkit.ops.peaks import Peaks, find_peaks
from crowdkit.ops.points import dot_map
from crowdkit.ops.polygon import check_polygon as check_polygon, polygon_share
from crowdkit.ops.pooling import count, mean_pool, sum_pool
from crowdkit.ops.region import region_share, within_region
from crowdkit.ops.resize import cells_across as cells_across, pad_to_multiple, upsample
from crowdkit.ops.separable import SeparableFilter as SeparableFilter
from crowdkit.ops.splat import splat, splat_batch
from crowdkit.ops.transport import transport
from crowdkit.ops.unbalanced import unbalanced_transport
from crowdkit.ops.upsampled import as_drawn as as_drawn, upsampled_conv2d
from crowdkit.ops.window import Padding as Padding, gaussian_window, window_filter

__all__ = [
    "Peaks",
    "count",
    "dot_map",
    "find_peaks",
    "gaussian_window",
    "mean_pool",
    "pad_to_multiple",
    "polygon_share",
    "region_share",
    "splat",
    "splat_batch",
    "sum_pool",
    "transport",
    "transport_points",
    "unbalanced_transport",
    "upsample",
    "upsampled_conv2d",
    "window_filter",
    "within_region",
]
