"""Row 6: a folder of photographs, decoded while the network is running."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from benchmarks.speed.case import Case
from benchmarks.speed.drawn import lively, photograph, save
from crowdkit.counting import predict
from crowdkit.data import read_image
from crowdkit.models import CrowdModel

BARE = "the bare model on the same images, decoded before"
GOAL = 0.85


@dataclass(frozen=True)
class Scale:
    """Number and size of the photographs, and how many of them differ (the rest are copies in other files)."""

    models: tuple[str, ...] = ("cfanet_lite", "mcnn")
    photographs: int = 200
    different: int = 20
    size: tuple[int, int] = (768, 1024)
    readers: tuple[int | None, ...] = (0, 1, None)


FULL = Scale()


def cases(device: torch.device, scale: Scale = FULL) -> Iterator[Case]:
    """Make the lines of the row."""
    with TemporaryDirectory() as place:
        photos = Path(place, "photos")
        photos.mkdir()
        for number in range(scale.photographs):
            seed = number % scale.different
            save(photograph(*scale.size, seed=seed), photos / f"{number:04}.jpg")
        files = sorted(photos.iterdir())
        decoded = [read_image(file) for file in files[: scale.different]]
        for model in scale.models:
            folder = Path(place, model)
            made = lively(model).to(device)
            made.save(folder)
            yield from _lines(model, made, folder, photos, decoded, device, scale)


def _lines(
    name: str,
    model: CrowdModel,
    folder: Path,
    photos: Path,
    decoded: list[Tensor],
    device: torch.device,
    scale: Scale,
) -> Iterator[Case]:
    number = scale.photographs
    what = f"{name}, {number} JPEG of {scale.size[0]} x {scale.size[1]}"

    def case(how: str, fast: Callable[[], list[float]], *, goal: bool) -> Case:
        return Case(
            row=6,
            name=f"{what}, {how}",
            fast=fast,
            plain=lambda: bare(model, decoded, number, device),
            baseline=BARE,
            agree=lambda plain, counts: {
                "count": max(abs(a / b - 1) for a, b in zip(counts, plain, strict=True))
            },
            goal=f"{GOAL:.0%} of its rate" if goal else "",
            reached=(lambda m: m.ratio is not None and m.ratio >= GOAL) if goal else None,
            once=True,
            work=number,
            unit="images",
        )

    bare(model, decoded, 1, device)  # a device's set-up is not part of the images' time
    for readers in scale.readers:
        yield case(
            f"predict, readers={readers}",
            lambda readers=readers: [
                each.count for each in predict(model, photos, device=device, readers=readers)
            ],
            goal=readers is None,
        )
    yield case("crowdkit count from its start", lambda: _command(folder, photos, device), goal=True)


def bare(model: CrowdModel, decoded: list[Tensor], number: int, device: torch.device) -> list[float]:
    """Count ``number`` images held in memory as float32, cycling through them."""
    model.eval()
    counts = []
    with torch.inference_mode():
        for place in range(number):
            image = decoded[place % len(decoded)][None].to(device, memory_format=torch.channels_last)
            counts.append(float(model(image).density.sum(dtype=torch.float32)))
    return counts


def _command(folder: Path, photos: Path, device: torch.device) -> list[float]:
    arguments = ["count", str(photos), "--model", str(folder), "--device", str(device), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "crowdkit.cli", *arguments],
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        check=True,
        capture_output=True,
        text=True,
    )
    return [each["count"] for each in json.loads(done.stdout)["images"]]
