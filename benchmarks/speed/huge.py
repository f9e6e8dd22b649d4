"""Row 5: images larger than the memory.

A separate process counts each of the largest images, so that its total memory is known:
``python -m benchmarks.speed.huge '{"image": ..., "model": ..., "how": "tiles" or "bare"}'``.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.speed.case import Case
from benchmarks.speed.drawn import lively, photograph, save
from benchmarks.speed.memory import process_peak
from crowdkit.counting import Count, Counter
from crowdkit.data import Box, open_image, read_pixels, unit_range
from crowdkit.models import CrowdModel, load_model

ROOT = Path(__file__).parents[2]
BARE = "a bare loop over 1,024 x 1,024 tiles, without halo"
BARE_SIDE = 1024
LIMIT = 3e9


@dataclass(frozen=True)
class Scale:
    """Sizes of the images; ``tiles`` is the side of one that fits into memory, and into ``tight`` GiB only in tiles."""

    models: tuple[str, ...] = ("cfanet_lite", "csrnet")
    huge: tuple[int, int] = (10_000, 10_000)
    whole: tuple[int, int] = (1501, 2003)
    tight: float = 0.4
    swept: tuple[int, int] = (4000, 4000)
    memories: tuple[float, ...] = (0.5, 1.0, 1.5, 3.0)


FULL = Scale()


@dataclass(frozen=True, kw_only=True)
class Job:
    """The task of a separate process."""

    image: str
    model: str
    how: str
    device: str
    threads: int


def cases(device: torch.device, scale: Scale = FULL) -> Iterator[Case]:
    """Make the lines of the row."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        for model in scale.models:
            lively(model).save(folder / model)
        yield from _fresh_processes(folder, device, scale)
        for model in scale.models:
            yield _against_whole(model, load_model(folder / model).to(device), device, scale)
        first = scale.models[0]
        yield from _memories(first, load_model(folder / first).to(device), device, scale)
        yield _rows_of_a_file(folder, scale)


def _fresh_processes(folder: Path, device: torch.device, scale: Scale) -> Iterator[Case]:
    height, width = scale.huge
    image = save(photograph(height, width), folder / "huge.jpg")
    for model in scale.models:
        jobs = {
            how: Job(
                image=str(image),
                model=str(folder / model),
                how=how,
                device=str(device),
                threads=torch.get_num_threads(),
            )
            for how in ("bare", "tiles")
        }
        yield Case(
            row=5,
            name=f"{model}, JPEG of {height:,} x {width:,}, all of a process",
            fast=lambda jobs=jobs: run_job(jobs["tiles"]),
            plain=lambda jobs=jobs: run_job(jobs["bare"]),
            baseline=BARE,
            agree=lambda bare, tiles: {"count of bare tiles": abs(bare["count"] / tiles["count"] - 1)},
            goal="under 3 GB",
            reached=lambda m: m.peak is not None and m.peak < LIMIT,
            once=True,
            peak=lambda found: found["peak"],
            work=height * width / 1e6,
            unit="Mpixel",
        )


def _against_whole(name: str, model: CrowdModel, device: torch.device, scale: Scale) -> Case:
    height, width = scale.whole
    pixels = photograph(height, width, seed=1)
    return Case(
        row=5,
        name=f"{name}, {height:,} x {width:,}, in tiles of {scale.tight:g} GiB",
        fast=lambda: _count(model, pixels, device, memory=scale.tight),
        plain=lambda: _count(model, pixels, device, tile=None),
        baseline="the image whole",
        agree=apart,
        goal="count and cells to 1e-3",
        reached=lambda m: (
            max(m.agreement["cells"], m.agreement["count"]) <= 1e-3 and m.agreement["tiles"] > 1
        ),
        turns=3,
        work=height * width / 1e6,
        unit="Mpixel",
    )


def _memories(name: str, model: CrowdModel, device: torch.device, scale: Scale) -> Iterator[Case]:
    height, width = scale.swept
    pixels = photograph(height, width, seed=2)
    for memory in scale.memories:
        yield Case(
            row=5,
            name=f"{name}, {height:,} x {width:,}, --memory {memory:g}",
            fast=lambda memory=memory: _count(model, pixels, device, memory=memory),
            plain=lambda: bare_count(model, pixels, device),
            baseline=BARE,
            agree=lambda bare, found: {
                "count of bare tiles": abs(bare / found.count - 1),
                "tiles": found.tiles,
            },
            once=True,
            work=height * width / 1e6,
            unit="Mpixel",
        )


def _rows_of_a_file(folder: Path, scale: Scale) -> Case:
    """Read 64 rows in the middle of a file that is mapped, and of one that must be decoded."""
    height, width = scale.huge
    jpeg = folder / "huge.jpg"
    tiff = save(read_pixels(jpeg), folder / "huge.tif")
    box = Box(height // 2, min(height, height // 2 + 64), 0, width)
    read = 3 * box.size[0] * box.size[1]
    return Case(
        row=5,
        name=f"64 rows of a TIFF of {height:,} x {width:,}, opened",
        fast=lambda: open_image(tiff).part(box),
        plain=lambda: open_image(jpeg).part(box),
        baseline="of a JPEG",
        agree=lambda decoded, mapped: {"pixels": float((decoded - mapped).abs().max())},
        goal="memory of the rows alone",
        # As bytes in the file, as a copy of the bytes, and as float32.
        reached=lambda m: m.peak is not None and m.peak < 8 * read + 2**22,
        turns=3,
    )


def apart(whole: Count, tiled: Count) -> dict[str, float]:
    """Return the difference of two counts of one image, relative to the largest cell and to the count."""
    cells = (whole.density - tiled.density).abs().max() / whole.density.abs().max()
    count = abs(whole.count - tiled.count) / whole.count
    return {"cells": float(cells), "count": count, "tiles": tiled.tiles}


def bare_count(model: CrowdModel, pixels: NDArray[Any], device: torch.device) -> float:
    """Count tile by tile as one does by hand: each separately, ignoring what lies beside it."""
    height, width = pixels.shape[:2]
    total = 0.0
    with torch.inference_mode():
        for top in range(0, height, BARE_SIDE):
            for left in range(0, width, BARE_SIDE):
                tile = unit_range(pixels[top : top + BARE_SIDE, left : left + BARE_SIDE], device=device)
                image = tile[None].contiguous(memory_format=torch.channels_last)
                total += float(model(image).density.sum(dtype=torch.float32))
    return total


def _count(model: CrowdModel, pixels: NDArray[np.uint8], device: torch.device, **options: Any) -> Count:
    return Counter(model, device=device, **options).count(pixels)


def run_job(job: Job) -> dict[str, Any]:
    """Count in a separate process; return its count, its tiles and its peak memory."""
    command = [sys.executable, "-m", "benchmarks.speed.huge", json.dumps(asdict(job))]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _main(job: Job) -> dict[str, Any]:
    torch.set_num_threads(job.threads)
    device = torch.device(job.device)
    model = load_model(Path(job.model)).to(device)
    if job.how == "bare":
        pixels = read_pixels(job.image)
        count, tiles = bare_count(model, pixels, device), 0
    else:
        found = Counter(model, device=device).count(job.image)
        count, tiles = found.count, found.tiles
    return {"count": count, "tiles": tiles, "peak": process_peak()}


if __name__ == "__main__":
    print(json.dumps(_main(Job(**json.loads(sys.argv[1])))))
