"""What we write is read by the tools' own readers, and what they write is read by us.

They need many packages: ``CROWDKIT_ORACLES`` names a Python that has them
(``pip install labelme datumaro label-studio-sdk label-studio-converter``).
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from crowdkit.data import CrowdFolder
from crowdkit.data.annotations import ImageHeads, write_annotations

PYTHON = os.environ.get("CROWDKIT_ORACLES", "")
HEADS = {"a": [[20.5, 30.25], [300.125, 100.0], [160.0, 220.0]], "b": [[5.0, 6.0]], "c": []}
HEIGHT, WIDTH = 240, 320
# Where each reader wants images and annotations, and how large heads are.
LAYOUTS: dict[str, tuple[str, str, str, float | None]] = {
    "labelme": ("labelme", "", "", None),
    "cvat": ("cvat", "images", "", None),
    "coco": ("coco", "images", "annotations", None),
    "coco-boxes": ("coco", "images", "annotations", 10.0),
    "voc": ("voc", "JPEGImages", "Annotations", 10.0),
    "yolo": ("yolo", "obj_train_data", "obj_train_data", 10.0),
    "labelstudio": ("labelstudio", "images", "", None),
    "labelstudio-boxes": ("labelstudio", "images", "", 10.0),
}
# datumaro rounds to hundredths of a pixel, and takes Pascal VOC's first pixel to be (0, 0).
TOLERANCE = {"labelme": 1e-9, "labelstudio": 1e-9, "labelstudio-boxes": 1e-9, "voc": 0.51}

pytestmark = pytest.mark.skipif(not PYTHON, reason="CROWDKIT_ORACLES names no Python with the tools' readers")


def written(size: float | None) -> list[ImageHeads]:
    return [
        ImageHeads(
            name=f"{stem}.jpg",
            points=torch.tensor(heads, dtype=torch.float64).reshape(-1, 2),
            sizes=None if size is None else torch.full((len(heads),), size, dtype=torch.float64),
            labels=("head",) * len(heads),
            image_size=(HEIGHT, WIDTH),
        )
        for stem, heads in HEADS.items()
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("tools")
    for name, (form, pictures, place, size) in LAYOUTS.items():
        write_annotations(written(size), home / name / place, format=form)
        for stem in HEADS:
            file = home / name / pictures / f"{stem}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(file)
    for name, file in {"coco": "person_keypoints", "coco-boxes": "instances"}.items():
        folder = home / name / "annotations"
        (folder / "annotations.json").rename(folder / f"{file}_train.json")
    lists = home / "voc/ImageSets/Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("".join(f"{stem}\n" for stem in HEADS))
    (home / "voc/labelmap.txt").write_text("head:::\n")
    (home / "yolo/obj_train_data/classes.txt").rename(home / "yolo/obj.names")
    (home / "yolo/train.txt").write_text("".join(f"data/obj_train_data/{stem}.jpg\n" for stem in HEADS))
    (home / "yolo/obj.data").write_text("classes = 1\ntrain = data/train.txt\nnames = data/obj.names\n")
    return home


@pytest.fixture(scope="module")
def answer(home: Path) -> dict[str, Any]:
    script = Path(__file__).with_name("foreign_readers.py")
    done = subprocess.run(
        [PYTHON, "-W", "ignore", str(script), str(home)],
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, "PYTHONPATH": "", "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", LAYOUTS)
def test_their_reader_reads_what_we_wrote(name: str, answer: dict[str, Any]) -> None:
    assert name not in answer["failed"], answer["failed"][name]
    found = answer["found"][name]
    assert set(found) >= {stem for stem, heads in HEADS.items() if heads}
    for stem, heads in HEADS.items():
        assert_same(found.get(stem, []), heads, TOLERANCE.get(name, 0.01))


@pytest.mark.parametrize("name", LAYOUTS)
def test_we_read_what_they_wrote(name: str, home: Path, answer: dict[str, Any]) -> None:
    assert name in answer["found"]
    theirs = home / f"{name}-theirs"
    if name == "labelstudio":
        theirs = next((theirs / "min").glob("*.json"))
    dataset = CrowdFolder(
        home / name / LAYOUTS[name][1], theirs, missing="empty", units="auto", label=None, format="auto"
    )
    for index, stem in enumerate(dataset.names):
        assert_same(dataset.raw_points(index).tolist(), HEADS[stem], TOLERANCE.get(name, 0.01))


def assert_same(found: list[list[float]], heads: list[list[float]], tolerance: float) -> None:
    assert len(found) == len(heads)
    for place, head in zip(sorted(found), sorted(heads), strict=True):
        assert place == pytest.approx(head, abs=tolerance)
