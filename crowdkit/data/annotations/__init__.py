"""Readers of head annotations, one file a format."""

from crowdkit import _guard as _guard
from crowdkit.data.annotations.mat import read_mat, read_mat_frames
from crowdkit.data.annotations.reading import read_points

__all__ = ["read_mat", "read_mat_frames", "read_points"]
