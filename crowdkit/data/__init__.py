"""Images with annotated heads: data sets, transforms that keep counts exact, batches, and checks of your own data."""

from typing import TYPE_CHECKING, Any

from crowdkit import _guard as _guard
from crowdkit.data._torchvision import functional as _functional
from crowdkit.data.annotations import (
    ImageHeads,
    list_formats,
    lost_in,
    read_annotations,
    read_points,
    select_labels,
    write_annotations,
)
from crowdkit.data.cached import CachedDataset
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
from crowdkit.data.datasets.base import CrowdData, region_of_interest as region_of_interest
from crowdkit.data.duplicates import Duplicate, find_duplicates, image_hash
from crowdkit.data.empty_scenes import EmptyScenes
from crowdkit.data.geometry import in_region as in_region, to_canvas
from crowdkit.data.image import (
    IMAGE_SUFFIXES as IMAGE_SUFFIXES,
    decode_pixels as decode_pixels,
    images_left_out,
    list_images,
    read_image,
    read_pixels,
    read_size,
    unit_range,
)
from crowdkit.data.issues import Issue
from crowdkit.data.lazy_image import (
    Box,
    LazyImage,
    PixelArray as PixelArray,
    Source as Source,
    decoded_bytes as decoded_bytes,
    open_image,
)
from crowdkit.data.photometric import (
    Blur,
    ColorJitter,
    Grayscale,
    JPEGCompression,
    LowResolution,
    Noise,
    list_photometric,
    photometric,
)
from crowdkit.data.randomness import generator_for as generator_for
from crowdkit.data.region import roi_map, roi_sample, roi_truth
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
    resize,
)
from crowdkit.data.truth import (
    density_target,
    density_targets,
    resolve_sigma,
    sample_without_pixels as sample_without_pixels,
    with_sigma,
)
from crowdkit.data.validate import Report, check_dataset, warn_of_doubts as warn_of_doubts
from crowdkit.data.walking import Walkers, WalkingCrowd
from crowdkit.data.zones import Zone, fit_zone, read_zones

if TYPE_CHECKING:
    from crowdkit.data.points import Points

__all__ = [
    "UCFCC50",
    "UCFQNRF",
    "Annotation",
    "Batch",
    "BeijingBRT",
    "Blur",
    "Box",
    "CachedDataset",
    "ColorJitter",
    "Compose",
    "CrowdData",
    "CrowdDataset",
    "CrowdFolder",
    "Duplicate",
    "EmptyScenes",
    "GaussianSigma",
    "Grayscale",
    "HorizontalFlip",
    "ImageHeads",
    "Issue",
    "JHUCrowd",
    "JPEGCompression",
    "LazyImage",
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
    "density_target",
    "density_targets",
    "find_duplicates",
    "fit_zone",
    "image_hash",
    "images_left_out",
    "list_datasets",
    "list_formats",
    "list_images",
    "list_photometric",
    "lost_in",
    "open_image",
    "photometric",
    "read_annotations",
    "read_image",
    "read_pixels",
    "read_points",
    "read_size",
    "read_zones",
    "resize",
    "resolve_sigma",
    "roi_map",
    "roi_sample",
    "roi_truth",
    "select_labels",
    "split_train_val",
    "to_canvas",
    "unit_range",
    "with_sigma",
    "write_annotations",
]


def __getattr__(name: str) -> Any:
    # Its class derives from torchvision's, which takes seconds to import and may not fit the installed torch.
    if name == "Points":
        _functional()
        from crowdkit.data.points import Points

        return Points
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
