"""Heads as annotation tools write them, one file for each format: reading and writing together."""

from crowdkit import _guard as _guard
from crowdkit.data.annotations.csv_table import read_rows
from crowdkit.data.annotations.formats import list_formats
from crowdkit.data.annotations.heads import SHIFT, UNITS, Convention, ImageHeads, Loss, Unit
from crowdkit.data.annotations.labels import choose_labels, listed_labels, select_labels
from crowdkit.data.annotations.mat import read_mat_frames, read_mat_roi
from crowdkit.data.annotations.reading import (
    ANNOTATION_SUFFIXES,
    annotation_files,
    lost_in,
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
    "Loss",
    "Unit",
    "annotation_files",
    "choose_labels",
    "list_formats",
    "listed_labels",
    "lost_in",
    "read_annotations",
    "read_mat_frames",
    "read_mat_roi",
    "read_points",
    "read_rows",
    "read_voc",
    "select_labels",
    "write_annotations",
]
