"""Data sets by the names that configurations and the command line use."""

from crowdkit.data.datasets import (
    UCFCC50,
    UCFQNRF,
    CrowdDataset,
    CrowdFolder,
    JHUCrowd,
    Mall,
    NWPUCrowd,
    ShanghaiTech,
)
from crowdkit.data.synthetic import SyntheticCrowd

DATASETS: dict[str, type[CrowdDataset] | type[SyntheticCrowd]] = {
    "shanghaitech": ShanghaiTech,
    "ucf_cc_50": UCFCC50,
    "ucf_qnrf": UCFQNRF,
    "mall": Mall,
    "jhu_crowd": JHUCrowd,
    "nwpu_crowd": NWPUCrowd,
    "folder": CrowdFolder,
    "synthetic": SyntheticCrowd,
}
"""Names to classes; all but ``"synthetic"`` are made with a root folder and a split."""
