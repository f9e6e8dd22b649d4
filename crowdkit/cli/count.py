"""``crowdkit count``."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from crowdkit.cli.options import Commands, add_device, add_json, command, print_json
from crowdkit.cli.outputs import Outputs
from crowdkit.cli.places import add_places
from crowdkit.cli.rows import Row, interval_note, line, write_table

if TYPE_CHECKING:
    from crowdkit.counting import Counter

_TEXT = """Count the people in images and show where they are.

Prints one line per image: the count, between which numbers the true one lies if that was measured for the model,
and what of the image lies outside what the model has seen.

--out writes each image with the estimated density laid over it. --explain also writes NAME-explained.png: the
model's attention, and a feature before and after it; --points the heads' places (with --format as an annotation
tool opens them, to be corrected there), and --zones counts in polygons too. What cannot be counted is reported at the
end, and the exit code is then 1.

Images that are too large for the memory are counted in tiles, with the same result. Under torchrun every process
takes its share of the images; the first prints what all have found."""


def add(commands: Commands) -> None:
    """Add the subcommand.

    Args:
        commands: Where to.
    """
    example = "crowdkit count photos/ --out overlays --csv counts.csv"
    parser = command(commands, "count", run, text=_TEXT, example=example)
    parser.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE_OR_FOLDER",
        help="images, folders of them, patterns, lists (.txt, one path per line), or addresses (https://...)",
    )
    parser.add_argument(
        "--recursive", action="store_true", help="also count the images in folders within the folders"
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
    from crowdkit.counting import Counter, Unreadable, list_sources
    from crowdkit.data import images_left_out
    from crowdkit.runtime import DistributedShards

    sources = list(list_sources(args.images, recursive=args.recursive))
    outputs = Outputs(args, sources)
    crew = DistributedShards(args.device or "auto")
    counter = Counter(
        args.model,
        device=crew.device,
        precision=args.precision,
        tile=args.tile,
        memory=args.memory,
        exact=not args.approximate,
        readers=args.readers,
        progress=crew.leads and not args.json and sys.stderr.isatty(),
    )
    paths = [each for each in sources if isinstance(each, Path)]
    for left_out in images_left_out(args.images, paths) if crew.leads and not args.recursive else ():
        print(left_out, file=sys.stderr)
    mine = crew.share(sources)
    rows: list[tuple[int, Row]] = []
    problems: list[tuple[int, str]] = []
    for (place, _), seen in zip(mine, counter.stream([each for _, each in mine]), strict=True):
        if isinstance(seen, Unreadable):
            problems.append((place, seen.reason))
            continue
        rows.append((place, outputs.write(seen, place, counter)))
        if crew.size == 1 and not args.json:
            print(line(rows[-1][1]))
    rows, problems = crew.merge(rows), crew.merge(problems)
    if not crew.leads:
        return 0
    found = [row for _, row in rows]
    for file in outputs.write_places(found)[:1]:
        print(f"{args.format}: {file}", file=sys.stderr)
    if args.csv is not None:
        write_table(args.csv, found, _columns(counter, outputs))
    _report(args, found, [reason for _, reason in problems], counter, printed=crew.size == 1)
    return 1 if problems else 0


def _columns(counter: "Counter", outputs: Outputs) -> list[str]:
    trust = [] if counter.calibration is None else ["lower", "upper", "unusual"]
    return ["path", "count", *trust, "height", "width", "tiles", *outputs.columns]


def _report(
    args: argparse.Namespace, rows: list[Row], problems: list[str], counter: "Counter", *, printed: bool
) -> None:
    total = round(sum(float(row["count"]) for row in rows), 2)
    if args.json:
        print_json({"images": rows, "total": total, "skipped": problems})
    else:
        for row in [] if printed else rows:
            print(line(row))
        if len(rows) > 1:
            print(f"{total:10.1f}  in {len(rows)} images")
        if counter.calibration is not None and rows:
            print(interval_note(counter.calibration), file=sys.stderr)
    for reason in problems:
        print(f"skipped: {reason}", file=sys.stderr)


def _tile(text: str) -> int | str | None:
    if text in ("auto", "none"):
        return None if text == "none" else text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected auto, none or a number of pixels, got {text!r}") from None
