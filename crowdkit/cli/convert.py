"""``crowdkit convert``."""

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from crowdkit.cli.options import Commands, add_json, command, print_json

if TYPE_CHECKING:
    from crowdkit.data import ImageHeads

_TEXT = """Turn heads from one annotation tool's form into another's.

SOURCE is a folder of images with their annotations, as crowdkit check folder takes it, or an annotation file
alone. TARGET is a folder, or the one file of a format that has one. All classes are kept, unless --label chooses
some; places keep every digit that the format can hold.

A --format that does not exist lists those that do."""


def add(commands: Commands) -> None:
    """Add the subcommand.

    Args:
        commands: Where to.
    """
    parser = command(
        commands,
        "convert",
        run,
        text=_TEXT,
        example="crowdkit convert photos/ cvat/ --format cvat",
    )
    parser.add_argument(
        "source", type=Path, metavar="SOURCE", help="a folder of images, or a file of annotations"
    )
    parser.add_argument("target", type=Path, metavar="TARGET", help="a folder or file to write")
    parser.add_argument(
        "--format", required=True, metavar="NAME", help="the form to write, such as cvat or coco"
    )
    parser.add_argument(
        "--from", dest="given", default="auto", metavar="NAME", help="the form of SOURCE (by content)"
    )
    parser.add_argument("--annotations", type=Path, metavar="PLACE", help="where SOURCE's annotations are")
    parser.add_argument(
        "--images", type=Path, metavar="FOLDER", help="the images, where SOURCE is annotations alone"
    )
    parser.add_argument("--label", nargs="+", metavar="CLASS", help="only these classes (all)")
    parser.add_argument(
        "--units",
        choices=("auto", "pixels", "fraction", "percent"),
        default="auto",
        help="what coordinates count",
    )
    parser.add_argument("--keypoint", metavar="NAME", help="the key point of a skeleton that is the head")
    parser.add_argument(
        "--split", choices=("train", "val", "test"), default="train", help="split of SOURCE (train)"
    )
    parser.add_argument(
        "--orient", action="store_true", help="heads belong to images turned as their EXIF tag says"
    )
    parser.add_argument("--force", action="store_true", help="overwrite files")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Convert.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    from crowdkit.data import list_formats, lost_in, select_labels, write_annotations
    from crowdkit.errors import check_choice

    check_choice("--format", args.format, list_formats(written=True))
    check_choice("--from", args.given, ["auto", *list_formats()])
    images = _read(args)
    if args.label:
        images = select_labels(images, args.label)
    files = write_annotations(images, args.target, format=args.format, overwrite=args.force)
    heads = sum(map(len, images))
    left_out: Counter[str] = Counter()
    for image in images:
        left_out.update(image.left_out)
    if args.json:
        print_json(
            {
                "files": files,
                "images": len(images),
                "heads": heads,
                "left_out": dict(left_out),
                "lost": lost_in(images, args.format),
            }
        )
        return 0
    shown = str(files[0]) if len(files) == 1 else f"{len(files)} files in {args.target}"
    print(f"{heads} heads of {len(images)} images: {shown}")
    for kind, number in left_out.items():
        print(f"  {number} x {kind}: not a head, left out")
    for what in lost_in(images, args.format):
        print(f"  lost, for {args.format} cannot hold them: {what}")
    return 0


def _read(args: argparse.Namespace) -> "list[ImageHeads]":
    """Read all heads, in pixels, with the names and sizes of their images."""
    from crowdkit.data import CrowdFolder, read_annotations

    folder, annotations = args.source, args.annotations
    if args.images is not None:
        folder, annotations = args.images, args.source
    elif not args.source.is_dir():
        images = read_annotations(args.source, format=args.given, keypoint=args.keypoint)
        return [_in_pixels(each, args) for each in images]
    found = CrowdFolder(
        folder,
        annotations,
        split=args.split,
        format=args.given,
        units=args.units,
        keypoint=args.keypoint,
        orient=args.orient,
        missing="empty",
    )
    # An image that nobody has annotated yet is not one without people.
    known = [index for index in range(len(found)) if found.written(index) is not None]
    return [found.all_heads(index) for index in known]


def _in_pixels(image: "ImageHeads", args: argparse.Namespace) -> "ImageHeads":
    from dataclasses import replace

    unit = None if args.units == "auto" else args.units
    return replace(image, name=image.name or args.source.stem).in_pixels(unit=unit)
