"""Data sets by the names that configurations and the command line use."""

from crowdkit.data.datasets import (
    UCFCC50,
    UCFQNRF,
    BeijingBRT,
    CrowdDataset,
    CrowdFolder,
    JHUCrowd,
    Mall,
    NWPUCrowd,
    SCUTHead,
    ShanghaiTech,
)
from crowdkit.data.synthetic import SyntheticCrowd
from crowdkit.errors import check_choice

_CLASSES: dict[str, type[CrowdDataset] | type[SyntheticCrowd]] = {
    "shanghaitech": ShanghaiTech,
    "ucf_cc_50": UCFCC50,
    "ucf_qnrf": UCFQNRF,
    "mall": Mall,
    "jhu_crowd": JHUCrowd,
    "nwpu_crowd": NWPUCrowd,
    "scut_head": SCUTHead,
    "beijing_brt": BeijingBRT,
    "folder": CrowdFolder,
    "synthetic": SyntheticCrowd,
}


def list_datasets() -> list[str]:
    """List the names that :func:`dataset_class` accepts.

    Examples:
        >>> "mall" in list_datasets()
        True
    """
    return sorted(_CLASSES)


def dataset_class(name: str) -> type[CrowdDataset] | type[SyntheticCrowd]:
    """Look up a data set by its name in configurations and on the command line.

    Args:
        name: One of :func:`list_datasets`.

    Returns:
        Its class; all but ``"synthetic"`` are created with a root folder and a ``split``.

    Raises:
        UnknownNameError: If there is no such data set.

    Examples:
        >>> dataset_class("ucf_cc_50").__name__
        'UCFCC50'
    """
    check_choice("dataset", name, _CLASSES)
    return _CLASSES[name]
