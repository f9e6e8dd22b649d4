"""Row 9: an epoch of training as :func:`crowdkit.training.train` runs it, and whether a step waits for the device."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile, record_function

from benchmarks.speed.case import Case
from benchmarks.speed.drawn import photograph, save
from crowdkit.data import Batch
from crowdkit.runtime import Process
from crowdkit.training import (
    DataConfig,
    ModelConfig,
    OptimConfig,
    RunConfig,
    RunFolder,
    TrainConfig,
    Trainer,
    open_trainer,
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
                name = f"{model}'s epoch, {scale.precision}, batches of {scale.batch}, {workers} workers"
                with open_training(photographs, folder, model, workers, device, scale) as trainer:
                    yield _case(name, trainer, next(_batches(trainer)))


def _case(name: str, trainer: Trainer, ready: Batch) -> Case:
    return Case(
        row=9,
        name=name,
        fast=lambda: through_loader(trainer),
        plain=lambda: through_one(trainer, ready),
        baseline="its steps on one batch that lies ready",
        agree=lambda _ready, waiting: {"share of the epoch spent waiting for the loader": waiting},
        goal=f"{BUSY:.0%} of their speed",
        reached=lambda m: m.ratio is not None and m.ratio >= BUSY,
        turns=3,
        work=len(trainer.batches) * trainer.config.run.batch_size,
        unit="crops",
    )


def through_loader(trainer: Trainer) -> float:
    """Train for an epoch; gives the share of it in which the loop stood still for the next batch."""
    batches = _batches(trainer)
    started, waited = time.perf_counter(), 0.0
    while True:
        before = time.perf_counter()
        batch = next(batches, None)
        waited += time.perf_counter() - before
        if batch is None:
            break
        trainer.step(batch)
    trainer.meter.read()  # waits for the device
    return waited / (time.perf_counter() - started)


def through_one(trainer: Trainer, batch: Batch) -> None:
    """Take an epoch's number of steps, all on one batch."""
    for _ in range(len(trainer.batches)):
        trainer.step(batch)
    trainer.meter.read()


def waits(trainer: Trainer, batch: Batch) -> Counter[str]:
    """Take a training step on a GPU that raises where it would wait, then profile one; gives what waited in that."""
    for _ in range(3):  # what is chosen and allocated once
        trainer.step(batch)
    torch.cuda.synchronize()
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        trainer.step(batch)
    finally:
        torch.cuda.set_sync_debug_mode(before)
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen, record_function("a step"):
        trainer.step(batch)
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


@contextmanager
def open_training(
    photographs: Path, folder: Path, model: str, workers: int, device: torch.device, scale: Scale
) -> Iterator[Trainer]:
    """Open a run as ``crowdkit train`` does, and release its folder afterwards."""
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
    place = RunFolder(folder)
    try:
        yield open_trainer(config, Process(0, 1, device), place, resume=False)
    finally:
        place.unlock()


def _batches(trainer: Trainer) -> Iterator[Batch]:
    trainer.network.train()
    trainer.position = replace(trainer.position, epoch=trainer.position.epoch + 1)
    trainer.batches.at(trainer.position.epoch, 0)
    return iter(trainer.loader)
