"""Row 9: an epoch of training as :func:`crowdkit.training.train` runs it, and whether a step waits for the device."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile, record_function

from benchmarks.speed.case import Case
from benchmarks.speed.drawn import photograph, save
from crowdkit.runtime import Process
from crowdkit.training import (
    DataConfig,
    Meter,
    ModelConfig,
    OptimConfig,
    Run,
    RunConfig,
    TrainConfig,
    TrainingBatch,
    open_run,
    open_split,
    take_step,
)

# The minimum share of an epoch that its steps must take.
BUSY = 0.9
_WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize", "Memcpy DtoH")


@dataclass(frozen=True)
class Scale:
    """Models, photographs, and sizes of crops and batches to train on."""

    models: tuple[str, ...] = ("cfanet", "cfanet_lite")
    photographs: int = 128
    size: tuple[int, int] = (768, 1024)
    crop: tuple[int, int] = (384, 512)
    batch: int = 8
    heads: int = 200
    precision: str = "bfloat16"
    workers: tuple[int, ...] = (min(16, os.cpu_count() or 1),)


FULL = Scale()


def cases(device: torch.device, scale: Scale = FULL) -> Iterator[Case]:
    """Make the lines: an epoch from files, beside the same number of steps on one prepared batch."""
    with TemporaryDirectory() as place:
        photographs = draw(Path(place, "photographs"), scale)
        for model in scale.models:
            for workers in scale.workers:
                folder = Path(place, f"{model}-{workers}")
                run = open_training(photographs, folder, model, workers, device, scale)
                name = f"{model}'s epoch, {scale.precision}, batches of {scale.batch}, {workers} workers"
                yield _case(name, run, next(_batches(run)))


def _case(name: str, run: Run, ready: TrainingBatch) -> Case:
    return Case(
        row=9,
        name=name,
        fast=lambda: through_loader(run),
        plain=lambda: through_one(run, ready),
        baseline="its steps on one prepared batch",
        agree=lambda _ready, waiting: {"share of the epoch spent waiting for the loader": waiting},
        goal=f"{BUSY:.0%} of their speed",
        reached=lambda m: m.ratio is not None and m.ratio >= BUSY,
        turns=3,
        work=len(run.batches) * run.config.run.batch_size,
        unit="crops",
    )


def through_loader(run: Run) -> float:
    """Train for an epoch; return the share of it in which the loop waited for the next batch."""
    meter = Meter(run.process.device)
    batches = _batches(run)
    started, waited = time.perf_counter(), 0.0
    while True:
        before = time.perf_counter()
        batch = next(batches, None)
        waited += time.perf_counter() - before
        if batch is None:
            break
        take_step(run, batch, meter)
    meter.read()  # synchronizes with the device
    return waited / (time.perf_counter() - started)


def through_one(run: Run, batch: TrainingBatch) -> None:
    """Take an epoch's number of steps, all on one batch."""
    meter = Meter(run.process.device)
    for _ in range(len(run.batches)):
        take_step(run, batch, meter)
    meter.read()


def waits(run: Run, batch: TrainingBatch) -> Counter[str]:
    """Take a GPU training step that raises if it would wait, then profile one; return what waited in it."""
    meter = Meter(run.process.device)
    for _ in range(3):  # warm-up: selections and allocations
        take_step(run, batch, meter)
    torch.cuda.synchronize()
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        take_step(run, batch, meter)
    finally:
        torch.cuda.set_sync_debug_mode(before)
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen, record_function("a step"):
        take_step(run, batch, meter)
    events = seen.events() or []
    within = next(event.time_range for event in events if event.name == "a step")
    return Counter(
        event.name
        for event in events
        if event.name.startswith(_WAITS) and within.start <= event.time_range.start <= within.end
    )


def draw(folder: Path, scale: Scale) -> Path:
    """Write photographs and their heads in the form that the data set ``folder`` reads."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    height, width = scale.size
    for number in range(scale.photographs):
        save(photograph(*scale.size, seed=number), folder / f"{number:04}.jpg")
        heads = rng.uniform((0, 0), (width, height), (scale.heads, 2))
        np.savetxt(folder / f"{number:04}.csv", heads, "%.2f", delimiter=",", header="x,y", comments="")
    return folder


def open_training(
    photographs: Path, folder: Path, model: str, workers: int, device: torch.device, scale: Scale
) -> Run:
    """Open a run as ``crowdkit train`` does."""
    data = DataConfig(dataset="folder", root=str(photographs), crop=scale.crop, sigma=15.0, val_fraction=0.05)
    config = TrainConfig(
        data=data,
        model=ModelConfig(name=model),
        optim=OptimConfig(clip_norm=1.0, ema_decay=0.99),
        run=RunConfig(
            folder=str(folder),
            device=str(device),
            batch_size=scale.batch,
            workers=workers,
            precision=scale.precision,
            channels_last=True,
        ),
    )
    return open_run(config, [open_split(data, "train")], Process(0, 1, device), resume=False)


def _batches(run: Run) -> Iterator[TrainingBatch]:
    run.network.train()
    run.position = replace(run.position, epoch=run.position.epoch + 1)
    run.batches.at(run.position.epoch, 0)
    return iter(run.loader)
