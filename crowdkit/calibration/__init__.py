"""The reliability of a count: its interval, and whether the image resembles the model's training images."""

from crowdkit import _guard as _guard
from crowdkit.calibration.calibration import (
    Calibration,
    HeldOut as HeldOut,
    read_calibration,
    write_calibration,
)
from crowdkit.calibration.coverage import Coverage, markdown_table as markdown_table, measure_coverage
from crowdkit.calibration.domain import Domain
from crowdkit.calibration.interval import CountInterval
from crowdkit.calibration.traits import Traits as Traits, image_traits

__all__ = [
    "Calibration",
    "CountInterval",
    "Coverage",
    "Domain",
    "image_traits",
    "measure_coverage",
    "read_calibration",
    "write_calibration",
]
