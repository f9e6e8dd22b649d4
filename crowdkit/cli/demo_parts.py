"""The parts of the demo: its scenes, its training, its picture."""

import time
from pathlib import Path

import torch
from torch import Tensor

from crowdkit.data import CrowdData, SyntheticCrowd, density_target, resolve_sigma
from crowdkit.models import CFANet, create_model
from crowdkit.pictures import color_map, save_image, sheet
from crowdkit.runtime import pick_device
from crowdkit.targets import DensityLevels
from crowdkit.training import (
    EpochBatches,
    TrainConfig,
    TrainingSet,
    build_loss,
    build_optimizer,
    collate_examples,
    config_from_dict,
)

SIZE, PEOPLE = (96, 128), (0, 120)
# Many scenes seen a few times are better for training than few scenes seen often.
TRAINING, HELD_OUT = 640, 40
_LEAST_EPOCHS, _MOST_EPOCHS = 10, 60
_FEWEST_STEPS = 5


def demo_config(folder: Path, *, seed: int, device: str, epochs: int) -> TrainConfig:
    """Return the configuration of the demo's training.

    The encoder is a small one that learns from random weights within two minutes; an EfficientNet does not.

    Args:
        folder: The run's folder.
        seed: Seed of scenes and training.
        device: The device to train on.
        epochs: Number of epochs.

    Returns:
        The configuration.
    """
    widths = [48, 32, 24]
    return config_from_dict(
        {
            "data": {
                "dataset": "synthetic",
                "options": {"length": TRAINING, "size": SIZE, "people": PEOPLE, "seed": seed},
                "sigma": 5.0,
                "val_fraction": 0.05,
                "crop": 1.0,
            },
            "model": {
                "name": "cfanet_lite",
                "options": {
                    "encoder": "test_resnet",
                    "encoder_strides": [16, 8, 4],
                    "crr_widths": widths,
                    "dle_widths": widths,
                    "dme_widths": [64, 48, 32],
                },
            },
            "loss": {"name": "bsl"},
            "optim": {
                "name": "adamw",
                "lr": 1e-3,
                "weight_decay": 1e-4,
                "schedule": "cosine",
                "warmup": 0.1,
                "clip_norm": 5.0,
                "ema_decay": 0.98,
            },
            "run": {
                "folder": str(folder),
                "epochs": epochs,
                "batch_size": 8,
                "seed": seed,
                "device": device,
                "validate_every": max(1, epochs // 5),
            },
        }
    )


def held_out_scenes(seed: int) -> CrowdData:
    """Return scenes that are not used in training.

    Args:
        seed: Seed of the scenes.

    Returns:
        The test split.
    """
    return SyntheticCrowd(HELD_OUT, size=SIZE, people=PEOPLE, seed=seed, split="test")


def affordable_epochs(config: TrainConfig, train_set: CrowdData, *, seconds: float) -> int:
    """Time a few steps of a temporary model, and return how many epochs fit into the given time.

    Args:
        config: The configuration of the training.
        train_set: The training images.
        seconds: The time available.

    Returns:
        The number of epochs; at least enough to learn something.
    """
    device = pick_device(config.run.device)
    model = create_model(config.model.name, **config.model.options).to(device)
    crops = TrainingSet([train_set], config.data, stride=model.stride, seed=config.run.seed)
    levels = DensityLevels([1e-5, 1e-4, 1e-3, 2e-3, 4e-3])  # arbitrary: only the time is measured
    loss = build_loss(config.loss, stride=model.stride, levels=levels).to(device)
    optimizer = build_optimizer(model, config.optim)
    batches = EpochBatches(len(crops), batch_size=config.run.batch_size, seed=config.run.seed)
    times: list[float] = []
    for keys in batches:
        for key in keys:
            crops.whole(0, key[1])  # drawn before timing, because later epochs reuse the scenes
        began = time.monotonic()
        batch = collate_examples([crops[key] for key in keys]).to(device)
        loss(model(batch.images), batch.density, progress=0.0).backward()
        optimizer.step()
        optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.monotonic() - began)
        if len(times) >= _FEWEST_STEPS and sum(times) > 0.05 * seconds:
            break
    step = sorted(times)[len(times) // 2]
    return max(_LEAST_EPOCHS, min(_MOST_EPOCHS, int(seconds / (step * len(batches)))))


def draw_page(model: CFANet, scenes: CrowdData, path: Path, *, sigma: float | str) -> Path:
    """Write the picture: one row per scene, from sparse to crowded.

    Args:
        model: The trained model.
        scenes: The scenes to show.
        path: The file.
        sigma: Spread of a head in the true maps.

    Returns:
        The file.
    """
    order = sorted(range(len(scenes)), key=scenes.count)
    rows: list[list[Tensor | None]] = []
    captions: list[list[str | None]] = []
    for index in (order[len(order) // 4], order[len(order) // 2], order[-2]):
        sample = scenes[index]
        truth = density_target(sample, resolve_sigma(sigma, scenes), model.stride)
        images = sample.image[None].to(next(model.parameters()).device)
        with torch.no_grad():
            estimate = model(images).density.cpu()
            _, *attention = model.attention(images)
        top = float(max(truth.max(), estimate.max()))
        maps = [color_map(each, maximum=top) for each in (truth, estimate)]
        weights = [None if each is None else color_map(each.cpu(), maximum=1.0) for each in attention]
        rows.append([sample.image, *maps, *weights])
        counts = f"{len(sample.points)} people", f"{float(estimate.sum()):.1f} estimated"
        captions.append([None, *counts, None, None])
    page = sheet(
        rows,
        captions=captions,
        headings=["photograph", "true map", "estimated map", "coarse attention", "fine attention"],
        title="Synthetic crowds not used in training",
        width=240,
    )
    return save_image(page, path)
