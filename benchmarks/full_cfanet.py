r"""Train the full CFANet with the paper's recipe on one part of ShanghaiTech, within a given time, in one call.

    python benchmarks/full_cfanet.py --root DATA/ShanghaiTech --part A --encoder-weights vgg16.safetensors \
        --minutes 60 --out weights
    python benchmarks/full_cfanet.py ... --resume       # repeat the same call to continue

The first minute measures images per second, loading included, and one validation. From these follows the number of
epochs that fit into --minutes, at most the paper's 500; every schedule is a fraction of the training, so a shorter
one follows the same recipe. A moving average of the weights is kept, validated and written. A call that must end
before the training does (--call-minutes) stops resumably and reports it.

At the end it prints the validation figures, and writes to --out the weights in half precision with their card, in
pieces below 16 MiB (NAME.safetensors.00, .01, ...). Join them with: cat NAME.safetensors.?? > NAME.safetensors
"""

import argparse
import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from crowdkit.evaluation import evaluate
from crowdkit.models import create_model
from crowdkit.runtime import TrainingInterrupted
from crowdkit.training import TrainConfig, bundle, load_config, open_split, resizing, train

EPOCHS = 500  # the paper's
RESERVE = 0.9  # fraction of the time that the training is planned to take
VALIDATING = 0.1  # fraction of the training's time that validation may take
PIECE = 15 * 2**20  # bytes


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", required=True, help="folder that holds part_A and part_B")
    parser.add_argument("--part", choices=("A", "B"), required=True)
    parser.add_argument("--encoder-weights", help="ImageNet VGG-16: a file, or 'imagenet' (downloads)")
    parser.add_argument("--minutes", type=float, required=True, help="for the whole training")
    parser.add_argument("--call-minutes", type=float, help="for this call; the rest is for --resume")
    parser.add_argument(
        "--measure", type=float, default=60.0, help="seconds of measuring (default: %(default)s)"
    )
    parser.add_argument("--run", type=Path, help="the run's folder (runs/cfanet_A)")
    parser.add_argument("--out", type=Path, default=Path("weights"), help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=min(8, (os.cpu_count() or 1) - 1))
    parser.add_argument("--resume", action="store_true", help="continue the run in its folder")
    parser.add_argument("--set", dest="overrides", nargs="*", default=[], metavar="SECTION.KEY=VALUE")
    args = parser.parse_args(argv)
    args.run = args.run or Path(f"runs/cfanet_{args.part}")
    return args


def recipe(args: argparse.Namespace) -> TrainConfig:
    """Return the defaults, which are the paper's, with settings for a GPU and a moving average."""
    gpu = torch.cuda.is_available()
    half = gpu and torch.cuda.is_bf16_supported()
    changes = [
        f"data.root={json.dumps(args.root)}",
        f"data.part={args.part}",
        f"run.folder={json.dumps(str(args.run))}",
        f"run.workers={args.workers}",
        "run.keep_images=true",
        f"run.epochs={EPOCHS}",
        f"run.precision={'bfloat16' if half else 'float32'}",
        f"run.channels_last={str(gpu).lower()}",
        "optim.ema_decay=0.999",
    ]
    if args.encoder_weights:
        changes.append(f"model.options.encoder_weights={json.dumps(args.encoder_weights)}")
    return load_config(None, [*changes, *args.overrides])


def fitted(config: TrainConfig, args: argparse.Namespace, started: float) -> TrainConfig:
    """Measure images per second and a validation; plan the epochs and the validations."""
    scratch = args.run.with_name(args.run.name + ".measured")
    shutil.rmtree(scratch, ignore_errors=True)
    # Validation is disabled: the rate is that of the training only.
    trial = replace(
        config.run, folder=str(scratch), time_limit=args.measure, validate_every=1e9, checkpoint_every=1e9
    )
    tried = train(replace(config, run=trial), progress=False)
    lines = [json.loads(line) for line in (scratch / "metrics.jsonl").read_text().splitlines()]
    shutil.rmtree(scratch)
    looks = [each for each in lines if each["kind"] == "train"]
    steps, seconds = looks[-1]["step"] - looks[0]["step"], looks[-1]["time"] - looks[0]["time"]
    if steps == 0:  # a slow machine: include the start-up, which underestimates the rate
        steps, seconds = tried.steps, tried.seconds
    rate = config.run.batch_size * steps / seconds
    images = len(open_split(config.data, "train"))
    validation = seconds_of_a_validation(config)
    left = 60 * args.minutes - (time.monotonic() - started)
    epochs = max(1, min(config.run.epochs, int(RESERVE * (1 - VALIDATING) * left * rate / images)))
    affordable = max(1.0, VALIDATING * RESERVE * left / validation)
    every = max(1.0, float(-(-epochs // affordable)))
    print(
        f"{rate:.1f} images per second, {validation:.1f} s per validation: {epochs} of {config.run.epochs} epochs of "
        f"{images} images fit into {args.minutes:g} minutes, validated every {every:g}",
        flush=True,
    )
    return replace(config, run=replace(config.run, epochs=epochs, validate_every=every))


def seconds_of_a_validation(config: TrainConfig) -> float:
    model = create_model(config.model.name, **{**config.model.options, "encoder_weights": None})
    result = evaluate(
        model,
        open_split(config.data, "val"),
        sigma=config.data.sigma,
        transform=resizing(config.data),
        precision=config.run.precision,
        workers=config.run.workers,
    )
    return result.seconds


def write_pieces(file: Path) -> list[Path]:
    """Split a file into pieces and delete it."""
    content = file.read_bytes()
    pieces = []
    for number, begin in enumerate(range(0, len(content), PIECE)):
        pieces.append(file.with_name(f"{file.name}.{number:02d}"))
        pieces[-1].write_bytes(content[begin : begin + PIECE])
    file.unlink()
    return pieces


def main(argv: Sequence[str] | None = None) -> list[Path]:
    started = time.monotonic()
    args = arguments(argv)
    place = torch.cuda.get_device_name() if torch.cuda.is_available() else "the CPU: no GPU"
    print(f"the paper's CFANet on ShanghaiTech part {args.part}, on {place}", flush=True)
    resume = args.resume and (args.run / "config.toml").exists()
    if resume:
        config = load_config(args.run / "config.toml", [f"data.root={json.dumps(args.root)}"])
    else:
        config = fitted(recipe(args), args, started)
    left = None
    if args.call_minutes is not None:
        left = max(1.0, 60 * args.call_minutes - (time.monotonic() - started))
    config = replace(config, run=replace(config.run, time_limit=left))
    try:
        result = train(config, resume=resume)
    except TrainingInterrupted as stopped:
        print(stopped)
        return []
    if not result.finished:
        print(f"step {result.steps}, epoch {result.epochs} of {config.run.epochs}: call again with --resume")
        return []
    name = f"cfanet_sh{args.part.lower()}"
    card = bundle(args.run, args.out, name=name, precision=config.run.precision)
    figures = card.validation[0]
    print(f"validation, {figures['images']} images: MAE {figures['mae']:.2f}, RMSE {figures['rmse']:.2f}")
    pieces = write_pieces(args.out / card.file)
    print("\n".join(f"{each} ({each.stat().st_size / 2**20:.1f} MiB)" for each in pieces))
    return pieces


if __name__ == "__main__":
    main()
