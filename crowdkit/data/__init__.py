"""Images with heads: data sets, transforms that keep every count, batches, and checks of your own data."""

from typing import TYPE_CHECKING, Any

from crowdkit import _guard as _guard
from crowdkit.data._torchvision import functional as _functional
from crowdkit.data.annotations import read_points
from crowdkit.data.datasets import (
    UCFCC50,
    UCFQNRF,
    BeijingBRT,
    CrowdDataset,
    CrowdFolder,
    JHUCrowd,
    Mall,
    NWPUCrowd,
    Record,
    SCUTHead,
    ShanghaiTech,
)
from crowdkit.data.datasets.base import CrowdData
from crowdkit.data.duplicates import Duplicate, find_duplicates, image_hash
from crowdkit.data.geometry import to_canvas
from crowdkit.data.image import read_image, read_size
from crowdkit.data.photometric import (
    Blur,
    ColourJitter,
    Greyscale,
    JPEGCompression,
    LowResolution,
    Noise,
    list_photometric,
    photometric,
)
from crowdkit.data.registry import dataset_class, list_datasets
from crowdkit.data.sample import Annotation, Batch, Sample, collate
from crowdkit.data.scaled_crop import RandomScaledCrop
from crowdkit.data.split import Subset, split_train_val
from crowdkit.data.synthetic import SyntheticCrowd
from crowdkit.data.transforms import (
    Compose,
    GaussianSigma,
    HorizontalFlip,
    Pad,
    RandomCrop,
    Resize,
    Transform,
)
from crowdkit.data.validate import Issue, Report, check_dataset
from crowdkit.data.walking import Walkers, WalkingCrowd
from crowdkit.data.zones import Zone, read_zones

if TYPE_CHECKING:
    from crowdkit.data.points import Points

__all__ = [
    "UCFCC50",
    "UCFQNRF",
    "Annotation",
    "Batch",
    "BeijingBRT",
    "Blur",
    "ColourJitter",
    "Compose",
    "CrowdData",
    "CrowdDataset",
    "CrowdFolder",
    "Duplicate",
    "GaussianSigma",
    "Greyscale",
    "HorizontalFlip",
    "Issue",
    "JHUCrowd",
    "JPEGCompression",
    "LowResolution",
    "Mall",
    "NWPUCrowd",
    "Noise",
    "Pad",
    "Points",
    "RandomCrop",
    "RandomScaledCrop",
    "Record",
    "Report",
    "Resize",
    "SCUTHead",
    "Sample",
    "ShanghaiTech",
    "Subset",
    "SyntheticCrowd",
    "Transform",
    "Walkers",
    "WalkingCrowd",
    "Zone",
    "check_dataset",
    "collate",
    "dataset_class",
    "find_duplicates",
    "image_hash",
    "list_datasets",
    "list_photometric",
    "photometric",
    "read_image",
    "read_points",
    "read_size",
    "read_zones",
    "split_train_val",
    "to_canvas",
]


def __getattr__(name: str) -> Any:
    # Its class derives from torchvision's, which takes seconds to import and may not fit the installed torch.
    if name == "Points":
        _functional()
        from crowdkit.data.points import Points

        return Points
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
