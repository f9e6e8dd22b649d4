"""``crowdkit count --points --zones``: where the people are."""

import argparse
import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Tensor

    from crowdkit.counting import Count
    from crowdkit.data import Zone


def add_places(parser: argparse.ArgumentParser) -> None:
    """Add ``--points``, ``--method``, ``--format`` and ``--zones``.

    Args:
        parser: Where to.
    """
    parser.add_argument(
        "--points",
        action="store_true",
        help="with --out or --json: also give the heads' places, NAME-points.csv, and draw them",
    )
    parser.add_argument(
        "--method",
        choices=("transport", "peaks"),
        help="with --points: optimal transport, a point a person (default), or the map's local maxima",
    )
    parser.add_argument(
        "--format",
        metavar="NAME",
        help="with --points and --out: write all places in the form of an annotation tool (cvat, labelstudio, coco, "
        "...), to be corrected there",
    )
    parser.add_argument(
        "--zones",
        type=Path,
        metavar="FILE",
        help='count in polygons too: JSON, {"name": [[x, y], ...]}, or LabelMe\'s',
    )


class Places:
    """What ``--points`` and ``--zones`` ask for, checked before anything is counted.

    Args:
        args: The arguments.
        sources: The images: paths, addresses, and what cannot be read.

    Raises:
        ArgumentError: If an argument is given without the one that it belongs to.
        DataError: If the zones cannot be read, or do not lie on an image.
    """

    def __init__(self, args: argparse.Namespace, sources: Iterable[object]) -> None:
        from crowdkit.data import fit_zone, list_formats, read_size, read_zones
        from crowdkit.errors import ArgumentError, DataError, check_choice

        self.wanted: bool = args.points
        self.method: Literal["transport", "peaks"] = args.method or "transport"
        self.folder: Path | None = args.out
        self.listed: bool = args.json
        if args.points and args.out is None and not args.json:
            raise ArgumentError(
                "--points: expected --out or --json with it, got neither; name a folder for the points"
            )
        if args.method is not None and not args.points:
            raise ArgumentError("--method: expected --points with it, got none; add --points")
        self.format: str | None = args.format
        if args.format is not None:
            if not args.points or args.out is None:
                raise ArgumentError(
                    "--format: expected --points and --out with it, got one missing; add them, or leave it out"
                )
            check_choice("--format", args.format, list_formats(written=True))
        self.zones: list[Zone] = [] if args.zones is None else read_zones(args.zones)
        for path in sources if self.zones else ():
            if not (isinstance(path, Path) and path.is_file()):
                continue  # an address is fetched, and what is no file reported, when it is its turn
            try:
                size = read_size(path, orient=True)
            except DataError:
                continue
            try:
                for zone in self.zones:
                    fit_zone(zone, size)
            except DataError as error:
                raise DataError(f"{path}: {error}") from error

    def find(self, seen: "Count", *, name: str) -> "tuple[dict[str, Any], Tensor | None]":
        """Find the people of one image, and write their places if there is a folder for them.

        Args:
            seen: What was counted.
            name: Name of the image's files.

        Returns:
            What a row says of it; and the heads (x, y) in pixels, shape (N, 2), if they were asked for.
        """
        from crowdkit.counting import count_zones, locate

        row: dict[str, Any] = {}
        points = None
        if self.wanted:
            points = locate(seen.density, stride=seen.stride, size=seen.size, method=self.method)
            heads = [[round(x, 2), round(y, 2)] for x, y in points.tolist()]
            if self.format is None:
                file = None if self.folder is None else self.folder / f"{name}-points.csv"
                if file is not None:
                    _write(file, heads)
                row["points_file"] = file and str(file)
            if self.listed or self.format is not None:
                row["points"] = heads
        if self.zones:
            people = count_zones(seen.density, self.zones, stride=seen.stride, size=seen.size)
            row["zones"] = {zone: round(number, 2) for zone, number in people.items()}
        return row, points

    def write(self, rows: list[dict[str, Any]]) -> list[Path]:
        """Write the places of all images in the form of an annotation tool, if one is named.

        Args:
            rows: What was found in each image.

        Returns:
            The files.
        """
        import torch

        from crowdkit.data import ImageHeads, write_annotations

        if self.format is None or self.folder is None:
            return []
        names = [Path(row["path"]).name for row in rows]
        images = [
            ImageHeads(
                name=name if names.count(name) == 1 else Path(row["path"]).as_posix(),
                points=torch.tensor(row["points"], dtype=torch.float64).reshape(-1, 2),
                image_size=(row["height"], row["width"]),
            )
            for name, row in zip(names, rows, strict=True)
        ]
        return write_annotations(images, self.folder, format=self.format, overwrite=True)

    @property
    def columns(self) -> list[str]:
        """The columns of a table for all this."""
        return [
            *(["points_file"] if self.wanted and self.format is None else []),
            *(f"zone {zone.name}" for zone in self.zones),
        ]


def _write(file: Path, heads: list[list[float]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as text:
        writer = csv.writer(text)
        writer.writerow(["x", "y"])
        writer.writerows(heads)
