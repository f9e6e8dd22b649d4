"""Readers of head annotations, one file a format."""

from crowdkit import _guard as _guard
from crowdkit.data.annotations.json import read_coco, read_json
from crowdkit.data.annotations.mat import read_mat, read_mat_frames, read_mat_roi
from crowdkit.data.annotations.reading import ANNOTATION_SUFFIXES, SHIFT, Convention, read_points, read_table
from crowdkit.data.annotations.text import read_csv, read_csv_table, read_rows

__all__ = [
    "ANNOTATION_SUFFIXES",
    "SHIFT",
    "Convention",
    "read_coco",
    "read_csv",
    "read_csv_table",
    "read_json",
    "read_mat",
    "read_mat_frames",
    "read_mat_roi",
    "read_points",
    "read_rows",
    "read_table",
]
