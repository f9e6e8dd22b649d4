"""``crowdkit evaluate``."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from crowdkit.cli.options import Commands, add_device, add_json, command, print_json

if TYPE_CHECKING:
    from crowdkit.counting import LoadedModel
    from crowdkit.training import DataConfig

_TEXT = """Evaluate a trained model on whole images, next to "always predict the training mean".

A run's folder defines its own data and is evaluated on its validation images; any other model needs --data.
Several data sets (part = "AB") are evaluated separately.
The figures state the split they come from. Never choose a model by its figures on the test split."""


def add(commands: Commands) -> None:
    """Add the subcommand.

    Args:
        commands: The subparsers to add it to.
    """
    parser = command(commands, "evaluate", run, text=_TEXT, example="crowdkit evaluate runs/b")
    parser.add_argument(
        "model", metavar="RUN_OR_MODEL", help="the folder of a run or a model, or the name of bundled weights"
    )
    parser.add_argument(
        "--data",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="the data section: dataset=folder root=photos, or part=A; by default those of the run",
    )
    parser.add_argument(
        "--split", choices=("val", "train", "test"), default="val", help="images to evaluate on (val)"
    )
    parser.add_argument(
        "--full-resolution", action="store_true", help="SSIM and PSNR at the images' own size"
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
        help="with --points: the largest distances of a point from its head, in pixels (4 8)",
    )
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="instead: write calibration.json beside the weights, with which crowdkit count reports an interval for "
        "each count; fitted on the validation images (interval) and the training images (range of familiar images)",
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
    from crowdkit.counting import open_model
    from crowdkit.errors import ArgumentError, ConfigError
    from crowdkit.evaluation import Result, evaluate, mean_baseline, results_table
    from crowdkit.runtime import join_processes
    from crowdkit.training import data_sources, load_config, open_splits, resizing

    for name in ("method", "distances"):
        if getattr(args, name) is not None and not args.points:
            raise ArgumentError(f"--{name}: expected it together with --points, got it alone; add --points")
    opened = open_model(args.model)
    model = opened.model
    config = Path(args.model) / "config.toml"
    is_run = opened.folder is not None and config.exists()
    if not is_run and not args.data:
        raise ConfigError(
            f"--data: expected the data for the model {args.model}, got nothing; the folder of a run (with "
            "config.toml) defines its data, a model needs for example --data dataset=folder root=photos"
        )
    data = load_config(config if is_run else None, [f"data.{each}" for each in args.data]).data
    if args.calibrate:
        return _calibrate(args, opened, data)
    process = join_processes(args.device or "auto")
    leader = process.rank == 0
    resize = resizing(data)
    found: list[dict[str, Result]] = []
    parts = zip(data_sources(data), open_splits(data, "train"), open_splits(data, args.split), strict=True)
    for part, training, images in parts:
        result = evaluate(
            model,
            images,
            sigma=part.sigma,
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
            training,
            images,
            sigma=part.sigma,
            transform=resize,
            stride=model.stride,
            full_resolution=args.full_resolution,
        )
        found.append({"model": result, "predict mean": mean})
    if not leader:
        return 0
    if args.json:
        plain = [{"model": each["model"].to_dict(), "mean": each["predict mean"].to_dict()} for each in found]
        print_json({**(plain[0] if len(plain) == 1 else {"parts": plain}), "data": asdict(data)})
    else:
        print("\n\n".join(map(results_table, found)))
    return 0


def _calibrate(args: argparse.Namespace, opened: "LoadedModel", data: "DataConfig") -> int:
    """Write the calibration of a model, and report its coverage."""
    from crowdkit.calibration import write_calibration
    from crowdkit.errors import ArgumentError
    from crowdkit.evaluation import calibrate
    from crowdkit.training import open_splits, resizing

    if opened.folder is None:
        raise ArgumentError(
            f"--calibrate: expected the folder of a run or a model, got {args.model}, whose card already describes the "
            "reliability of its counts"
        )
    calibration = calibrate(
        opened.model,
        open_splits(data, "train"),
        open_splits(data, "val"),
        transform=resizing(data),
        zoom=data.scale or (1.0, 1.0),
        device=args.device or "auto",
        precision=args.precision,
        progress=not args.json,
    )
    file = write_calibration(calibration, opened.folder)
    if args.json:
        print_json(
            {
                "file": str(file),
                "coverage": [asdict(each) for each in calibration.measure()],
                **calibration.to_dict(),
            }
        )
        return 0
    interval = calibration.interval
    print(
        f"{file}: {interval.coverage:.0%} intervals fitted on {interval.images} held-out images, "
        f"{calibration.outside} of them unlike the {calibration.domain.images} training images"
    )
    print(calibration.coverage_table())
    return 0
