"""``crowdkit evaluate``."""

import argparse
from dataclasses import asdict
from pathlib import Path

from crowdkit.cli.options import Commands, add_device, add_json, command, print_json

_TEXT = """Measure a trained model on whole images, beside "always predict the training mean".

A run's folder brings its own data and is measured on its validation images; a model's folder needs --data.
The figures say which split they come from. Never choose a model by its figures on the test split."""


def add(commands: Commands) -> None:
    """Add the subcommand.

    Args:
        commands: Where to.
    """
    parser = command(commands, "evaluate", run, text=_TEXT, example="crowdkit evaluate runs/b")
    parser.add_argument("folder", type=Path, metavar="RUN_OR_MODEL", help="a run's folder, or a model's")
    parser.add_argument(
        "--data",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="the data section: dataset=folder root=photos, or part=A; a run's own by default",
    )
    parser.add_argument("--split", choices=("val", "train", "test"), default="val", help="which images (val)")
    parser.add_argument(
        "--full-resolution", action="store_true", help="SSIM and PSNR at the images' own size; slow"
    )
    parser.add_argument(
        "--points", action="store_true", help="also locate heads: precision, recall and F1 at each distance"
    )
    parser.add_argument(
        "--method", choices=("transport", "peaks"), help="with --points: how heads are located (transport)"
    )
    parser.add_argument(
        "--distances",
        nargs="+",
        type=float,
        metavar="PIXELS",
        help="with --points: how far from its head a point may be (4 8)",
    )
    parser.add_argument("--precision", choices=("float32", "bfloat16", "float16"), default="float32")
    parser.add_argument("--workers", type=int, default=0, help="processes that load images")
    add_device(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    from crowdkit.engine import evaluate, load_config, mean_baseline, open_split, results_table
    from crowdkit.engine.distributed import join_processes
    from crowdkit.engine.sources import resizing
    from crowdkit.errors import ArgumentError, ConfigError, DataError
    from crowdkit.models import load_model

    for name in ("method", "distances"):
        if getattr(args, name) is not None and not args.points:
            raise ArgumentError(f"--{name}: expected --points with it, got none; add --points")
    if not args.folder.is_dir():
        raise DataError(
            f"model: expected the folder of a run or a model, got {args.folder}, which does not exist"
        )
    is_run = (args.folder / "config.toml").exists()
    if not is_run and not args.data:
        raise ConfigError(
            f"--data: expected the data for the model in {args.folder}, got nothing; a run's folder (with "
            "config.toml) knows its own, a model needs for example --data dataset=folder root=photos"
        )
    overrides = [f"data.{each}" for each in args.data]
    data = load_config(args.folder / "config.toml" if is_run else None, overrides).data
    model = load_model(args.folder / "best" if is_run else args.folder)
    process = join_processes(args.device or "auto")
    images = open_split(data, args.split)
    resize = resizing(data)
    leader = process.rank == 0
    result = evaluate(
        model,
        images,
        sigma=data.sigma,
        transform=resize,
        full_resolution=args.full_resolution,
        points=(args.method or "transport") if args.points else None,
        distances=args.distances or (4.0, 8.0),
        device=process.device,
        precision=args.precision,
        workers=args.workers,
        progress=leader and not args.json,
    )
    mean = mean_baseline(
        open_split(data, "train"),
        images,
        sigma=data.sigma,
        transform=resize,
        stride=model.stride,
        full_resolution=args.full_resolution,
    )
    if not leader:
        return 0
    if args.json:
        print_json({"model": result.to_dict(), "mean": mean.to_dict(), "data": asdict(data)})
    else:
        print(results_table({"model": result, "predict mean": mean}))
    return 0
