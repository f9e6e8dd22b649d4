"""Data sets, one file each."""

from crowdkit import _guard as _guard
from crowdkit.data.datasets.base import CrowdDataset, Record
from crowdkit.data.datasets.folder import CrowdFolder
from crowdkit.data.datasets.shanghaitech import ShanghaiTech

__all__ = ["CrowdDataset", "CrowdFolder", "Record", "ShanghaiTech"]
