"""Heads as annotation tools write them, one file for each format: reading and writing together."""

from crowdkit import _guard as _guard
from crowdkit.data.annotations.csv_table import read_rows
from crowdkit.data.annotations.formats import list_formats
from crowdkit.data.annotations.heads import SHIFT, UNITS, Convention, ImageHeads, Unit
from crowdkit.data.annotations.mat import read_mat_frames, read_mat_roi
from crowdkit.data.annotations.reading import (
    ANNOTATION_SUFFIXES,
    annotation_files,
    read_annotations,
    read_points,
    write_annotations,
)
from crowdkit.data.annotations.voc import read_voc

__all__ = [
    "ANNOTATION_SUFFIXES",
    "SHIFT",
    "UNITS",
    "Convention",
    "ImageHeads",
    "Unit",
    "annotation_files",
    "list_formats",
    "read_annotations",
    "read_mat_frames",
    "read_mat_roi",
    "read_points",
    "read_rows",
    "read_voc",
    "write_annotations",
]
