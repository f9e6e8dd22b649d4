"""``crowdkit demo``."""

import argparse
import time
from pathlib import Path

from crowdkit.cli.options import Commands, add_device, add_json, command, print_json

_TEXT = """Train a small network on synthetic crowds for about two minutes and show what it learned.

Draws a set of synthetic scenes, trains cfanet_lite from random weights with the background-aware structural loss,
compares it with "always predict the training mean" on scenes not used in training, and writes one picture of
photographs, true and estimated maps, and coarse and fine attention. If this installation has the bundled model,
that model then counts a synthetic scene. Needs no data and no network connection."""


def add(commands: Commands) -> None:
    """Add the subcommand.

    Args:
        commands: The subparsers to add it to.
    """
    parser = command(commands, "demo", run, text=_TEXT, example="crowdkit demo --minutes 2 --out my-demo")
    parser.add_argument("--minutes", type=float, default=2.0, help="approximate training time (2)")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="a new folder (crowdkit-demo, or the next free name)"
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
    from crowdkit.cli import demo_bundled, demo_parts
    from crowdkit.errors import DataError
    from crowdkit.evaluation import evaluate, mean_baseline, results_table
    from crowdkit.models import CFANet, load_model
    from crowdkit.training import open_split, train

    started = time.monotonic()
    folder = args.out or _free_folder(Path("crowdkit-demo"))
    say = _silence if args.json else print

    height, width = demo_parts.SIZE
    say(f"drawing {demo_parts.TRAINING} crowd scenes of {height} x {width} pixels ...")
    plan = demo_parts.demo_config(folder, seed=args.seed, device=args.device or "auto", epochs=1)
    train_set = open_split(plan.data, "train")
    epochs = demo_parts.affordable_epochs(plan, train_set, seconds=60 * args.minutes)
    config = demo_parts.demo_config(folder, seed=args.seed, device=args.device or "auto", epochs=epochs)
    say(f"training cfanet_lite with BSL for {epochs} epochs, about {args.minutes:g} minutes ...")
    trained = train(config, progress=not args.json)
    model = load_model(folder / "best")
    if not isinstance(model, CFANet):
        raise DataError(
            f"model: expected a CFANet in {folder / 'best'}, got {model.name}; choose another --out"
        )
    held_out = demo_parts.held_out_scenes(args.seed)
    result = evaluate(model, held_out, sigma=config.data.sigma, device=config.run.device)
    mean = mean_baseline(train_set, held_out, sigma=config.data.sigma, stride=model.stride)
    picture = demo_parts.draw_page(model, held_out, folder / "demo.png", sigma=config.data.sigma)
    bundled = demo_bundled.count_a_scene(folder, seed=args.seed, device=config.run.device)
    seconds = time.monotonic() - started
    if args.json:
        report = {"model": result.to_dict(), "mean": mean.to_dict(), "epochs": epochs, "steps": trained.steps}
        places = {"picture": str(picture), "model_folder": str(folder / "best"), "bundled": bundled}
        print_json({**report, "seconds": seconds, **places})
        return 0
    print(results_table({"model": result, "predict mean": mean}))
    times = mean.mae / max(result.mae, 1e-9)
    print(f"{times:.1f} times closer than the mean, after {trained.steps} steps ({seconds:.0f} s in all)")
    print(f"picture: {picture}")
    print(f"model:   {folder / 'best'}")
    if bundled is not None:
        print(demo_bundled.told(bundled))
    return 0


def _silence(_text: str) -> None:
    """Print nothing."""


def _free_folder(base: Path) -> Path:
    folder, number = base, 1
    while folder.exists():
        number += 1
        folder = base.with_name(f"{base.name}-{number}")
    return folder
