"""``crowdkit count``."""

import argparse
import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crowdkit.cli.options import Commands, add_device, add_json, command, print_json
from crowdkit.cli.places import Places, add_places
from crowdkit.cli.trust import COLUMNS, format_interval, interval_note, table, trust, warning

if TYPE_CHECKING:
    import torch

    from crowdkit.calibration import Calibration
    from crowdkit.counting import Count
    from crowdkit.models import CrowdModel

Row = dict[str, Any]

_TEXT = """Count the people in images and show where they are.

Prints a line an image: the count, between which numbers the true one lies if that was measured for the model, and
what of the image lies outside what the model has seen.

--out writes each image with the estimated density laid over it. --explain also writes NAME-explained.png: the
model's attention, and a feature before and after it; --points the heads' places (with --format as an annotation
tool opens them, to be corrected there), and --zones counts in polygons too. A file that cannot be read is reported at
the end, and the exit code is then 1.

Images that are too large for the memory are counted in tiles, with the same result. Under torchrun every process
takes its share of the images; the first prints what all have found."""

# Overlays of larger images are drawn smaller.
_OVERLAY_PIXELS = 25_000_000


def add(commands: Commands) -> None:
    """Add the subcommand.

    Args:
        commands: Where to.
    """
    example = "crowdkit count photos/ --out overlays --csv counts.csv"
    parser = command(commands, "count", run, text=_TEXT, example=example)
    parser.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE_OR_FOLDER", help="images, or folders of them"
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="MODEL",
        help="a model's folder, a run's, the name of bundled weights or the card (.json) of your own "
        "(the bundled shanghaitech)",
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
    add_places(parser)
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a table here")
    parser.add_argument("--precision", choices=("float32", "bfloat16", "float16"), default="float32")
    parser.add_argument(
        "--tile",
        type=_tile,
        default="auto",
        metavar="PIXELS",
        help="side of the tiles of large images; auto (by memory), none (never)",
    )
    parser.add_argument(
        "--memory",
        type=float,
        metavar="GIB",
        help="what the network may take for an image (half of what is free)",
    )
    parser.add_argument(
        "--approximate",
        action="store_true",
        help="also tile with models that see the whole image at once; the count then changes a little",
    )
    parser.add_argument(
        "--readers", type=int, metavar="N", help="threads that decode ahead (one a core, at most 4)"
    )
    add_device(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Count.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    from crowdkit.counting import open_model, predict
    from crowdkit.data import images_left_out, list_images
    from crowdkit.runtime import DistributedShards

    _check_explain(args)
    _check_places(args)
    opened = open_model(args.model)
    model = opened.model
    crew = DistributedShards(args.device or "auto")
    files = list_images(args.images)
    for line in images_left_out(args.images, files) if crew.leads else ():
        print(line, file=sys.stderr)
    places = Places(args, files)
    names = _names(files, explain=args.explain)
    mine = crew.share(files)
    skipped: list[str] = []
    rows: list[tuple[int, Row]] = []
    found = predict(
        model,
        [path for _, path in mine],
        device=crew.device,
        precision=args.precision,
        tile=args.tile,
        memory=args.memory,
        exact=not args.approximate,
        readers=args.readers,
        calibration=opened.calibration,
        progress=crew.leads and not args.json and sys.stderr.isatty(),
        skipped=skipped,
    )
    order = iter(mine)
    for each in found:
        # What could not be read gives no count: pass over it.
        place = next(index for index, path in order if path == each.path)
        row = _row(args, each, model=model, device=crew.device, names=names[place], places=places)
        rows.append((place, row))
        if crew.size == 1 and not args.json:
            print(_line(row))
    counted = {place for place, _ in rows}
    unread = zip((place for place, _ in mine if place not in counted), skipped, strict=True)
    rows, problems = crew.merge(rows), [message for _, message in crew.merge(unread)]
    if not crew.leads:
        return 0
    found_rows = [row for _, row in rows]
    for file in places.write(found_rows)[:1]:
        print(f"{args.format}: {file}", file=sys.stderr)
    _report(args, found_rows, problems, places, calibration=opened.calibration, printed=crew.size == 1)
    return 1 if problems else 0


def _row(
    args: argparse.Namespace,
    seen: "Count",
    *,
    model: "CrowdModel",
    device: "torch.device",
    names: tuple[str, str],
    places: Places,
) -> Row:
    """Draw what is to be drawn of one image, and say in a row what was found in it."""
    from crowdkit.counting import explain
    from crowdkit.data import open_image
    from crowdkit.pictures import overlay, save_image

    picture = explained = None
    where = places.find(seen, stride=model.stride, name=names[0])
    if args.out is not None and seen.path is not None:
        picture = args.out / f"{names[0]}.png"
        image = open_image(seen.path).shrunk(_OVERLAY_PIXELS)
        if args.explain and seen.tiles > 1:
            print(f"not explained: {seen.path} was counted in {seen.tiles} tiles", file=sys.stderr)
        elif args.explain:
            explained = args.out / f"{names[1]}.png"
            drawn = explain(
                model,
                image,
                stage=args.stage,
                channel=args.channel,
                density=seen.density,
                device=device,
                precision=args.precision,
            )
            save_image(drawn.picture(), explained)
        save_image(where.draw(overlay(image, seen.density)), picture)
    height, width = seen.size
    return {
        "path": str(seen.path),
        "count": round(seen.count, 2),
        **trust(seen),
        "height": height,
        "width": width,
        "tiles": seen.tiles,
        "overlay": None if picture is None else str(picture),
        **({"explained": explained and str(explained)} if args.explain else {}),
        **where.row,
    }


def _line(row: Row) -> str:
    return f"{row['count']:10.1f}{format_interval(row)}  {row['path']}{warning(row)}{Places.lines(row)}"


def _report(
    args: argparse.Namespace,
    rows: list[Row],
    problems: list[str],
    places: Places,
    *,
    calibration: "Calibration | None",
    printed: bool,
) -> None:
    if args.csv is not None:
        with args.csv.open("w", newline="", encoding="utf-8") as file:
            columns = ["path", "count", *(COLUMNS if calibration is not None else [])]
            columns += ["height", "width", "tiles", "overlay"]
            columns += ["explained"] if args.explain else []
            writer = csv.DictWriter(file, [*columns, *places.columns])
            writer.writeheader()
            writer.writerows(table(places.table(row)) for row in rows)
    total = round(sum(float(row["count"] or 0) for row in rows), 2)
    if args.json:
        print_json({"images": rows, "total": total, "skipped": problems})
    else:
        for row in [] if printed else rows:
            print(_line(row))
        if len(rows) > 1:
            print(f"{total:10.1f}  in {len(rows)} images")
        if calibration is not None and rows:
            print(interval_note(calibration), file=sys.stderr)
    for message in problems:
        print(f"skipped: {message}", file=sys.stderr)


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
    from crowdkit.data import list_images
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


def _names(files: list[Path], *, explain: bool) -> list[tuple[str, str]]:
    """Name the overlay and the explanation of every file, the same in every process."""
    taken: set[str] = set()
    names = []
    for file in files:
        picture = _unused(file.stem, taken)
        names.append((picture, _unused(f"{picture}-explained", taken) if explain else ""))
    return names


def _unused(stem: str, names: set[str]) -> str:
    name, number = stem, 1
    while name in names:
        number += 1
        name = f"{stem}-{number}"
    names.add(name)
    return name


def _tile(text: str) -> int | str | None:
    if text in ("auto", "none"):
        return None if text == "none" else text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected auto, none or a number of pixels, got {text!r}") from None
