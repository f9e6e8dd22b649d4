"""``crowdkit demo``."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from crowdkit.cli.options import Commands, add_device, add_json, command, print_json

if TYPE_CHECKING:
    from torch import Tensor

    from crowdkit.data import CrowdData
    from crowdkit.engine import TrainConfig
    from crowdkit.models import CFANet

_TEXT = """Train a small network on drawn crowds for about two minutes and show what it learnt.

Draws a synthetic crowd set, trains cfanet_lite from random weights with the background-aware structural loss,
measures it on scenes it never saw beside "always predict the training mean", and writes one picture:
photographs, true and estimated maps, coarse and fine attention. Needs no data and no network."""

_SIZE, _PEOPLE = (96, 128), (0, 60)
_TRAINING, _HELD_OUT = 200, 40
_LEAST_EPOCHS, _MOST_EPOCHS = 8, 400


def add(commands: Commands) -> None:
    """Add the subcommand.

    Args:
        commands: Where to.
    """
    parser = command(commands, "demo", run, text=_TEXT, example="crowdkit demo --minutes 2 --out my-demo")
    parser.add_argument("--minutes", type=float, default=2.0, help="about how long to train (2)")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="a new folder (crowdkit-demo, or the next free)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of scenes and training (0)")
    add_device(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Run the demo.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    from crowdkit.engine import evaluate, mean_baseline, open_split, results_table, train
    from crowdkit.models import load_model

    started = time.monotonic()
    folder = args.out or _free_folder(Path("crowdkit-demo"))

    def say(text: str) -> None:
        if not args.json:
            print(text, flush=True)

    say(f"drawing {_TRAINING + _HELD_OUT} crowd scenes of {_SIZE[0]} x {_SIZE[1]} pixels ...")
    config = demo_config(folder, seed=args.seed, device=args.device or "auto", epochs=1)
    train_set, held_out = open_split(config.data, "train"), _held_out(args.seed)
    epochs = _affordable_epochs(config, train_set, seconds=60 * args.minutes)
    config = demo_config(folder, seed=args.seed, device=args.device or "auto", epochs=epochs)
    say(
        f"training cfanet_lite with BSL for {epochs} epochs, about {args.minutes:g} minutes; Ctrl-C stops it ..."
    )
    trained = train(config, progress=not args.json)
    model = load_model(folder / "best")
    result = evaluate(model, held_out, sigma=config.data.sigma, device=config.run.device)
    mean = mean_baseline(train_set, held_out, sigma=config.data.sigma, stride=model.stride)
    picture = _draw(model, held_out, folder / "demo.png", sigma=config.data.sigma)
    seconds = time.monotonic() - started
    if args.json:
        print_json(
            {
                "model": result.to_dict(),
                "mean": mean.to_dict(),
                "epochs": epochs,
                "steps": trained.steps,
                "seconds": seconds,
                "picture": str(picture),
                "model_folder": str(folder / "best"),
            }
        )
        return 0
    print(results_table({"model": result, "predict mean": mean}))
    print(
        f"the model's MAE is {mean.mae / max(result.mae, 1e-9):.1f} times lower than the mean's ({seconds:.0f} s in all)"
    )
    print(
        f"picture: {picture}\nmodel:   {folder / 'best'} (for crowdkit count IMAGES --model {folder / 'best'})"
    )
    return 0


def demo_config(folder: Path, *, seed: int, device: str, epochs: int) -> "TrainConfig":
    """Give the configuration of the demo's training.

    Args:
        folder: The run's folder.
        seed: Seed of scenes and training.
        device: Where to train.
        epochs: How long.

    Returns:
        The configuration.
    """
    from crowdkit.engine import config_from_dict

    return config_from_dict(
        {
            "data": {
                "dataset": "synthetic",
                "options": {"length": _TRAINING, "size": _SIZE, "people": _PEOPLE, "seed": seed},
                "sigma": 4.0,
                "crop": 1.0,
            },
            "model": {"name": "cfanet_lite"},
            "loss": {"name": "bsl"},
            "optim": {
                "name": "adamw",
                "lr": 2e-3,
                "weight_decay": 1e-4,
                "schedule": "cosine",
                "warmup": 0.05,
                "clip_norm": 5.0,
                "ema_decay": 0.98,
            },
            "run": {
                "folder": str(folder),
                "epochs": epochs,
                "batch_size": 8,
                "seed": seed,
                "device": device,
                "validate_every": max(1, epochs // 6),
            },
        }
    )


def _free_folder(base: Path) -> Path:
    folder, number = base, 1
    while folder.exists():
        number += 1
        folder = base.with_name(f"{base.name}-{number}")
    return folder


def _held_out(seed: int) -> "CrowdData":
    from crowdkit.data import SyntheticCrowd

    return SyntheticCrowd(_HELD_OUT, size=_SIZE, people=_PEOPLE, seed=seed, split="test")


def _affordable_epochs(config: "TrainConfig", train_set: "CrowdData", *, seconds: float) -> int:
    """Measure a few steps on a model that is thrown away, and say how many epochs fit into the time."""
    import torch

    from crowdkit.engine.distributed import pick_device
    from crowdkit.engine.feed import EpochBatches, TrainingSet
    from crowdkit.engine.feed import stack as stack_crops
    from crowdkit.engine.objective import build_loss
    from crowdkit.engine.schedule import build_optimizer
    from crowdkit.models import create_model
    from crowdkit.targets import DensityLevels

    device = pick_device(config.run.device)
    model = create_model(config.model.name, **config.model.options).to(device)
    crops = TrainingSet(train_set, config.data, stride=model.stride, seed=config.run.seed)
    levels = DensityLevels([1e-5, 1e-4, 1e-3, 2e-3, 4e-3])  # any will do to measure the time
    loss = build_loss(config.loss, stride=model.stride, levels=levels).to(device)
    optimizer = build_optimizer(model, config.optim)
    batches = EpochBatches(len(crops), batch_size=config.run.batch_size, seed=config.run.seed)
    for index in range(len(crops)):
        crops[0, index]  # drawn before the clock runs, as it will be from the second epoch on
    times = []
    for number, keys in enumerate(batches):
        began = time.monotonic()
        batch = stack_crops([crops[key] for key in keys])
        loss(model(batch.images.to(device)), batch.density.to(device), progress=0.0).backward()
        optimizer.step()
        optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.monotonic() - began)
        if number >= 2 and (sum(times) > 0.04 * seconds or number >= 11):
            break
    step = sorted(times)[len(times) // 2]
    return max(_LEAST_EPOCHS, min(_MOST_EPOCHS, int(seconds / (step * len(batches)))))


def _draw(model: "CFANet", scenes: "CrowdData", path: Path, *, sigma: float | str) -> Path:
    """Write the picture: a row a scene, from sparse to crowded."""
    import torch

    from crowdkit.engine.sources import resolve_sigma, true_map
    from crowdkit.pictures import colour_map, save_image, sheet

    order = sorted(range(len(scenes)), key=scenes.count)
    rows: list[list[Tensor | None]] = []
    captions: list[list[str | None]] = []
    for index in (order[len(order) // 4], order[len(order) // 2], order[-2]):
        sample = scenes[index]
        truth = true_map(sample, resolve_sigma(sigma, scenes), model.stride)
        images = sample.image[None].to(next(model.parameters()).device)
        with torch.no_grad():
            estimate = model(images).density.cpu()
            _, region, level = (None if each is None else each.cpu() for each in model.attention(images))
        top = float(max(truth.max(), estimate.max()))
        attention = [None if each is None else colour_map(each, maximum=1.0) for each in (region, level)]
        rows.append(
            [sample.image, colour_map(truth, maximum=top), colour_map(estimate, maximum=top), *attention]
        )
        captions.append(
            [None, f"{len(sample.points)} people", f"{float(estimate.sum()):.1f} estimated", None, None]
        )
    headings = ["photograph", "true map", "estimated map", "coarse attention", "fine attention"]
    page = sheet(
        rows, captions=captions, headings=headings, title="Drawn crowds the model never saw", width=240
    )
    return save_image(page, path)
