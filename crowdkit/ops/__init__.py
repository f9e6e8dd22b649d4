"""Pure tensor functions: the one place for splatting, pooling, window filters, upsampling and transport."""

from crowdkit import _guard as _guard
from crowdkit.ops.checks import check_map, check_pair, check_points, check_stride
from crowdkit.ops.points import dot_map
from crowdkit.ops.pooling import count, mean_pool, sum_pool
from crowdkit.ops.region import region_share, within_region
from crowdkit.ops.resize import pad_to_multiple, upsample, upsampled_conv2d
from crowdkit.ops.splat import splat
from crowdkit.ops.transport import transport
from crowdkit.ops.unbalanced import unbalanced_transport
from crowdkit.ops.window import gaussian_window, window_filter

__all__ = [
    "check_map",
    "check_pair",
    "check_points",
    "check_stride",
    "count",
    "dot_map",
    "gaussian_window",
    "mean_pool",
    "pad_to_multiple",
    "region_share",
    "splat",
    "sum_pool",
    "transport",
    "unbalanced_transport",
    "upsample",
    "upsampled_conv2d",
    "window_filter",
    "within_region",
]
