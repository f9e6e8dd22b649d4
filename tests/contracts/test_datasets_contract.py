"""What every data set keeps. A new one needs a row in ``DATASETS``."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from torch.utils.data import DataLoader

import crowdkit.data
from crowdkit.data import (
    UCFCC50,
    UCFQNRF,
    BeijingBRT,
    CrowdData,
    CrowdFolder,
    HorizontalFlip,
    JHUCrowd,
    Mall,
    NWPUCrowd,
    SCUTHead,
    ShanghaiTech,
    Subset,
    SyntheticCrowd,
    collate,
    split_train_val,
)
from crowdkit.errors import UnknownNameError
from crowdkit.targets import density_map, sigma_rule

SIZE = (48, 64)
HEADS = [[1.0, 1.0], [64.0, 48.0], [20.25, 30.5], [0.2, 7.0]]


def jpeg(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = sum(path.name.encode())
    pixels = np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def shanghaitech(folder: Path, **options: Any) -> ShanghaiTech:
    for number in range(1, 12):
        jpeg(folder / f"part_A/train_data/images/IMG_{number}.jpg")
        info = np.empty((1, 1), dtype=object)
        info[0, 0] = {"location": np.array(HEADS[: number % 5]), "number": 0}
        path = folder / f"part_A/train_data/ground-truth/GT_IMG_{number}.mat"
        path.parent.mkdir(exist_ok=True)
        savemat(path, {"image_info": info})
    return ShanghaiTech(folder, **options)


def folder_of_photos(folder: Path, **options: Any) -> CrowdFolder:
    for number in range(1, 12):
        jpeg(folder / f"photo{number}.jpg")
        rows = "".join(f"{x - 0.5},{y - 0.5}\n" for x, y in HEADS[: number % 5])
        (folder / f"photo{number}.csv").write_text("x,y\n" + rows)
    return CrowdFolder(folder, **options)


def ann_points(path: Path, heads: list[list[float]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"annPoints": np.array(heads, dtype=float).reshape(-1, 2)})


def ucf_cc_50(folder: Path, **options: Any) -> UCFCC50:
    for number in range(1, 15):
        jpeg(folder / f"UCF_CC_50/{number}.jpg")
        ann_points(folder / f"UCF_CC_50/{number}_ann.mat", HEADS[: number % 5])
    return UCFCC50(folder, fold=2, incomplete=True, **options)


def ucf_qnrf(folder: Path, **options: Any) -> UCFQNRF:
    for number in range(1, 12):
        jpeg(folder / f"Train/img_{number:04d}.jpg")
        ann_points(folder / f"Train/img_{number:04d}_ann.mat", HEADS[: number % 5])
    return UCFQNRF(folder, **options)


def ucf_qnrf_resized(folder: Path, **options: Any) -> UCFQNRF:
    return ucf_qnrf(folder, resize="bayesian", **options)  # 512 x 683


def mall(folder: Path, **options: Any) -> Mall:
    for number in range(1, 12):
        jpeg(folder / f"frames/seq_{number:06d}.jpg")
    frame = np.empty((1, 2000), dtype=object)
    for place in range(2000):
        frame[0, place] = {"loc": np.array(HEADS[: place % 5], dtype=float).reshape(-1, 2)}
    savemat(folder / "mall_gt.mat", {"frame": frame})
    mask = (np.arange(SIZE[1]) < 40) & np.ones(SIZE, dtype=bool)
    savemat(folder / "perspective_roi.mat", {"roi": {"mask": mask.astype(np.uint8)}})
    return Mall(folder, incomplete=True, **options)


def jhu_crowd(folder: Path, **options: Any) -> JHUCrowd:
    for number in range(1, 12):
        jpeg(folder / f"val/images/{number:04d}.jpg")
        rows = "".join(f"{int(x)} {int(y)} 5 7 1 0\n" for x, y in HEADS[: number % 5])
        path = folder / f"val/gt/{number:04d}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(rows)
    return JHUCrowd(folder, split="val", **options)


def nwpu_crowd(folder: Path, **options: Any) -> NWPUCrowd:
    for number in range(1, 12):
        jpeg(folder / f"images/{number:04d}.jpg")
        path = folder / f"jsons/{number:04d}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"points": [[x - 0.5, y - 0.5] for x, y in HEADS[: number % 5]]}))
    (folder / "train.txt").write_text("".join(f"{number:04d} 1 {number % 5}\n" for number in range(1, 12)))
    return NWPUCrowd(folder, **options)


def scut_head(folder: Path, **options: Any) -> SCUTHead:
    for number in range(1, 12):
        jpeg(folder / f"JPEGImages/PartB_{number:05d}.jpg")
        path = folder / f"Annotations/PartB_{number:05d}.xml"
        path.parent.mkdir(exist_ok=True)
        boxes = "".join(
            f"<object><name>head</name><bndbox><xmin>{x - 3.5}</xmin><ymin>{y - 1.5}</ymin>"
            f"<xmax>{x + 4.5}</xmax><ymax>{y + 2.5}</ymax></bndbox></object>"
            for x, y in HEADS[: number % 5]
        )
        path.write_text(f"<annotation>{boxes}</annotation>")
    return SCUTHead(folder, **options)


def beijing_brt(folder: Path, **options: Any) -> BeijingBRT:
    for number in range(1, 12):
        jpeg(folder / f"train/frame/1-{number}.jpg")
        path = folder / f"train/ground_truth/1-{number}.mat"
        path.parent.mkdir(exist_ok=True)
        heads = np.array(HEADS[: number % 5], dtype=np.float64).reshape(-1, 2) + 0.5
        savemat(path, {"loc": heads})
    return BeijingBRT(folder, **options)


def synthetic(folder: Path, **options: Any) -> SyntheticCrowd:
    return SyntheticCrowd(11, size=SIZE, people=(0, 8), **options)


def subset(folder: Path, **options: Any) -> Subset:
    return Subset(synthetic(folder), [10, 2, 3, 4], **options)


DATASETS: dict[str, Callable[..., CrowdData]] = {
    "ShanghaiTech": shanghaitech,
    "UCFCC50": ucf_cc_50,
    "UCFQNRF": ucf_qnrf,
    "UCFQNRF resized": ucf_qnrf_resized,
    "Mall": mall,
    "JHUCrowd": jhu_crowd,
    "NWPUCrowd": nwpu_crowd,
    "SCUTHead": scut_head,
    "BeijingBRT": beijing_brt,
    "CrowdFolder": folder_of_photos,
    "SyntheticCrowd": synthetic,
    "Subset": subset,
}
# Public names that are no data set: tested in tests/data and in the contract of the transforms.
OTHERS = {
    "Annotation", "Batch", "Box", "CachedDataset", "CrowdData", "CrowdDataset", "Duplicate", "EmptyScenes",
    "ImageHeads", "Issue", "LazyImage", "Points", "Record", "Report", "Sample", "Walkers", "WalkingCrowd",
    "Zone", "check_dataset", "collate", "dataset_class", "density_target", "density_targets",
    "find_duplicates", "fit_zone", "image_hash", "images_left_out", "list_datasets", "list_formats",
    "list_images", "list_photometric", "lost_in", "open_image", "photometric", "read_annotations",
    "read_image", "read_pixels", "read_points", "read_size", "read_zones", "resize", "resolve_sigma",
    "roi_map", "roi_sample", "roi_truth", "select_labels", "split_train_val", "to_canvas", "unit_range",
    "with_sigma", "write_annotations",
}  # fmt: skip
TRANSFORMS = {
    "Blur", "ColorJitter", "Compose", "GaussianSigma", "Grayscale", "HorizontalFlip", "JPEGCompression",
    "LowResolution", "Noise", "Pad", "RandomCrop", "RandomScaledCrop", "Resize", "Transform",
}  # fmt: skip


@pytest.fixture(params=DATASETS)
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., CrowdData]:
    return lambda **options: DATASETS[request.param](tmp_path, **options)


def test_every_public_name_has_a_row() -> None:
    assert set(crowdkit.data.__all__) == {name.split()[0] for name in DATASETS} | OTHERS | TRANSFORMS
    for name in crowdkit.data.__all__:
        assert getattr(crowdkit.data, name).__doc__


def test_every_name_for_a_configuration_is_a_public_data_set() -> None:
    found = [crowdkit.data.dataset_class(name) for name in crowdkit.data.list_datasets()]
    assert all(getattr(crowdkit.data, made.__name__) is made for made in found)
    # A Subset is part of another.
    assert {made.__name__ for made in found} == {name.split()[0] for name in DATASETS} - {"Subset"}
    with pytest.raises(UnknownNameError, match="did you mean 'mall'"):
        crowdkit.data.dataset_class("Mall")


def test_attributes(build: Callable[..., CrowdData]) -> None:
    dataset = build()
    assert isinstance(dataset.name, str)
    assert dataset.split in ("train", "val", "test")
    assert len(dataset.names) == len(dataset) == len(set(dataset.names))
    sigma_rule(dataset.sigma_rule)


def test_samples_are_in_the_house_form(build: Callable[..., CrowdData]) -> None:
    dataset = build()
    for index in range(len(dataset)):
        image, points, meta, sigma, roi = dataset[index]
        assert image.dtype == points.dtype == torch.float32
        assert image.shape == (3, *dataset.size(index))
        assert 0 <= image.min() < image.max() <= 1
        assert points.shape == (dataset.count(index), 2)
        H, W = dataset.size(index)
        assert ((points >= 0) & (points < torch.tensor([W, H]))).all()
        assert (sigma is None) == (dataset.annotation(index).sizes is None)  # boxes say how wide heads are
        assert roi is None or (roi.dtype == torch.bool and roi.shape == (H, W))
        assert {"name", "path", "dataset", "split", "clamped", "dropped"} <= meta.keys()
        assert (meta["name"], meta["dataset"], meta["split"]) == (
            dataset.names[index],
            dataset.name,
            dataset.split,
        )


def test_annotation_is_the_samples(build: Callable[..., CrowdData]) -> None:
    dataset = build()
    for index in range(len(dataset)):
        annotation, sample = dataset.annotation(index), dataset[index]
        assert torch.equal(annotation.points, sample.points)
        assert (annotation.clamped, annotation.dropped) == (sample.meta["clamped"], sample.meta["dropped"])


def test_reading_twice_gives_the_same_and_shares_nothing(build: Callable[..., CrowdData]) -> None:
    dataset = build()
    first = dataset[3]
    image, points = first.image.clone(), first.points.clone()
    if first.roi is not None:
        region = first.roi.clone()
        first.roi.zero_()
        assert torch.equal(dataset[3].roi, region)
    first.image.zero_()
    first.points.fill_(-1)
    first.meta.clear()
    dataset.annotation(3).points.fill_(-1)
    assert torch.equal(dataset[3].image, image)
    assert torch.equal(dataset[3].points, points)
    assert torch.equal(dataset.annotation(3).points, points)


def test_pickles(build: Callable[..., CrowdData]) -> None:
    dataset = build(transform=HorizontalFlip(1.0))
    again = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(again[1].image, dataset[1].image)
    assert again.names == dataset.names


def test_negative_and_too_large_indices(build: Callable[..., CrowdData]) -> None:
    dataset = build()
    assert dataset[-1].meta["name"] == dataset.names[-1]
    with pytest.raises(IndexError):
        dataset[len(dataset)]


def test_transform_changes_samples_and_not_annotations(build: Callable[..., CrowdData]) -> None:
    plain, flipped = build(), build(transform=HorizontalFlip(1.0))
    assert torch.equal(flipped[3].image, plain[3].image.flip(-1))
    assert torch.equal(flipped.annotation(3).points, plain.annotation(3).points)
    assert flipped.size(3) == plain.size(3)


def test_splits_and_density_maps(build: Callable[..., CrowdData]) -> None:
    train, val = split_train_val(build(), fraction=0.25)
    assert sorted(train.names + val.names) == sorted(build().names)
    for part in (train, val):
        for index in range(len(part)):
            points = part.annotation(index).points
            density = density_map(points, part.size(index), sigma=4.0)
            torch.testing.assert_close(float(density.sum()), float(part.count(index)), atol=1e-3, rtol=0)


def test_loads_in_batches_with_workers(build: Callable[..., CrowdData]) -> None:
    dataset = build()
    loader = DataLoader(dataset, batch_size=3, num_workers=1, collate_fn=collate)
    batches = list(loader)
    assert sum(len(batch.points) for batch in batches) == len(dataset)
    assert torch.equal(batches[0].images[1], dataset[1].image)
