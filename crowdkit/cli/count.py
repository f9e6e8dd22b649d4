"""``crowdkit count``."""

import argparse
import csv
import sys
from pathlib import Path

from crowdkit.cli.options import Commands, add_device, add_json, command, print_json

_TEXT = """Count the people in images and show where they are.

Prints a line an image; --out writes each image with the estimated density laid over it. --explain also writes
NAME-explained.png: the model's attention, and a feature before and after it. A file that cannot be read is told
at the end, and the exit code is then 1."""


def add(commands: Commands) -> None:
    """Add the subcommand.

    Args:
        commands: Where to.
    """
    example = "crowdkit count photos/ --model runs/b/best --out overlays --csv counts.csv"
    parser = command(commands, "count", run, text=_TEXT, example=example)
    parser.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE_OR_FOLDER", help="images, or folders of them"
    )
    parser.add_argument(
        "--model", type=Path, required=True, metavar="FOLDER", help="a model's folder, or a run's"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write overlays here")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="with --out: also draw what the attention does (cfanet, cfanet_lite)",
    )
    parser.add_argument(
        "--stage", type=int, metavar="N", help="with --explain: the stage, 1 the coarsest (the last)"
    )
    parser.add_argument(
        "--channel", type=int, metavar="N", help="with --explain: one channel, from 0 (the mean over all)"
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write path, count, height and width here")
    parser.add_argument("--precision", choices=("float32", "bfloat16", "float16"), default="float32")
    add_device(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Count.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    from crowdkit.data import read_image
    from crowdkit.engine import explain, predict
    from crowdkit.models import load_model
    from crowdkit.pictures import overlay, save_image

    _check_explain(args)
    _check_places(args)
    is_run = (args.model / "best").is_dir()
    model = load_model(args.model / "best" if is_run else args.model)
    skipped: list[str] = []
    rows: list[dict[str, str | float | int | None]] = []
    names: set[str] = set()
    found = predict(
        model,
        args.images,
        device=args.device or "auto",
        precision=args.precision,
        progress=not args.json and sys.stderr.isatty(),
        skipped=skipped,
    )
    for each in found:
        picture = explained = None
        if args.out is not None and each.path is not None:
            picture = args.out / f"{_unused(each.path.stem, names)}.png"
            image = read_image(each.path, orient=True)
            if args.explain:
                seen = explain(
                    model,
                    image,
                    stage=args.stage,
                    channel=args.channel,
                    density=each.density,
                    device=args.device or "auto",
                    precision=args.precision,
                )
                explained = args.out / f"{_unused(f'{picture.stem}-explained', names)}.png"
                save_image(seen.picture(), explained)
            save_image(overlay(image, each.density), picture)
        height, width = each.size
        rows.append(
            {
                "path": str(each.path),
                "count": round(each.count, 2),
                "height": height,
                "width": width,
                "overlay": None if picture is None else str(picture),
                **({} if explained is None else {"explained": str(explained)}),
            }
        )
        if not args.json:
            print(f"{each.count:10.1f}  {each.path}")
    if args.csv is not None:
        with args.csv.open("w", newline="", encoding="utf-8") as file:
            columns = [
                "path",
                "count",
                "height",
                "width",
                "overlay",
                *(["explained"] if args.explain else []),
            ]
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
    total = round(sum(float(row["count"] or 0) for row in rows), 2)
    if args.json:
        print_json({"images": rows, "total": total, "skipped": skipped})
    elif len(rows) > 1:
        print(f"{total:10.1f}  in {len(rows)} images")
    for message in skipped:
        print(f"skipped: {message}", file=sys.stderr)
    return 1 if skipped else 0


def _check_explain(args: argparse.Namespace) -> None:
    """Refuse, before anything is counted, to look at what is drawn nowhere."""
    from crowdkit.errors import ArgumentError

    if args.explain and args.out is None:
        raise ArgumentError("--explain: expected --out with it, got none; name a folder for the pictures")
    for name in ("stage", "channel"):
        if getattr(args, name) is not None and not args.explain:
            raise ArgumentError(f"--{name}: expected --explain with it, got none; add --explain")


def _check_places(args: argparse.Namespace) -> None:
    """Refuse, before anything is counted, to write where a photograph lies or where nothing can be written."""
    from crowdkit.engine.counting import list_images
    from crowdkit.errors import ArgumentError

    photographs = {each.resolve() for place in args.images if place.exists() for each in list_images([place])}
    if args.out is not None and args.out.resolve() in {each.parent for each in photographs}:
        raise ArgumentError(f"--out: expected a folder without the photographs, got {args.out}; name another")
    if args.csv is not None:
        if args.csv.resolve() in photographs:
            raise ArgumentError(
                f"--csv: expected a file of its own, got the photograph {args.csv}; name another"
            )
        if not args.csv.parent.is_dir():
            raise ArgumentError(
                f"--csv: expected a file in a folder that exists, got {args.csv}; make it first"
            )


def _unused(stem: str, names: set[str]) -> str:
    name, number = stem, 1
    while name in names:
        number += 1
        name = f"{stem}-{number}"
    names.add(name)
    return name
