"""Images with heads: data sets, transforms that keep every count, batches, and checks of your own data."""

from crowdkit import _guard as _guard
from crowdkit.data.datasets import CrowdDataset, Record, ShanghaiTech
from crowdkit.data.datasets.base import CrowdData
from crowdkit.data.geometry import to_canvas
from crowdkit.data.image import read_image, read_size
from crowdkit.data.sample import Annotation, Batch, Sample, collate
from crowdkit.data.split import Subset, split_train_val
from crowdkit.data.transforms import (
    Compose,
    GaussianSigma,
    HorizontalFlip,
    Pad,
    RandomCrop,
    Resize,
    Transform,
)

__all__ = [
    "Annotation",
    "Batch",
    "Compose",
    "CrowdData",
    "CrowdDataset",
    "GaussianSigma",
    "HorizontalFlip",
    "Pad",
    "RandomCrop",
    "Record",
    "Resize",
    "Sample",
    "ShanghaiTech",
    "Subset",
    "Transform",
    "collate",
    "read_image",
    "read_size",
    "split_train_val",
    "to_canvas",
]
