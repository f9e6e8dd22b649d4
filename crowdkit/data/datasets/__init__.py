"""Data sets, one file each."""

from crowdkit import _guard as _guard
from crowdkit.data.datasets.base import CrowdDataset, Record
from crowdkit.data.datasets.beijing_brt import BeijingBRT
from crowdkit.data.datasets.folder import CrowdFolder
from crowdkit.data.datasets.jhu_crowd import JHUCrowd
from crowdkit.data.datasets.mall import Mall
from crowdkit.data.datasets.nwpu_crowd import NWPUCrowd
from crowdkit.data.datasets.scut_head import SCUTHead
from crowdkit.data.datasets.shanghaitech import ShanghaiTech
from crowdkit.data.datasets.ucf_cc_50 import UCFCC50
from crowdkit.data.datasets.ucf_qnrf import UCFQNRF

__all__ = [
    "UCFCC50",
    "UCFQNRF",
    "BeijingBRT",
    "CrowdDataset",
    "CrowdFolder",
    "JHUCrowd",
    "Mall",
    "NWPUCrowd",
    "Record",
    "SCUTHead",
    "ShanghaiTech",
]
