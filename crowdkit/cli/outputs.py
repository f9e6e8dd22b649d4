"""``crowdkit count --out --csv``: the files that are written, tried before anything is counted."""

import argparse
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from crowdkit.cli.places import Places
from crowdkit.cli.rows import Row
from crowdkit.errors import ArgumentError, printable

if TYPE_CHECKING:
    from crowdkit.counting import Count, Counter

# Pictures of larger images are drawn smaller.
_PICTURE_PIXELS = 25_000_000


class Outputs:
    """What is drawn and written of each image.

    Args:
        args: The arguments.
        sources: The images: paths, addresses, and what cannot be read.

    Raises:
        ArgumentError: If an option is given without the one that it belongs to, or a place to write to is a
            photograph or cannot be written to.
        DataError: If the zones cannot be read, or do not lie on an image.
    """

    def __init__(self, args: argparse.Namespace, sources: list[Any]) -> None:
        _check_explain(args)
        photographs = {os.path.realpath(each) for each in sources if isinstance(each, Path)}
        if args.out is not None:
            _try_folder(args.out, photographs)
        if args.csv is not None:
            _try_table(args.csv, photographs)
        self._args = args
        self._places = Places(args, sources)
        self._names = _names(sources, explain=args.explain)

    def write(self, seen: "Count", place: int, counter: "Counter") -> dict[str, Any]:
        """Write what is to be written of one image.

        Args:
            seen: What was counted in it.
            place: Its place among all.
            counter: What counted.

        Returns:
            Its row.
        """
        args, (name, explained_name) = self._args, self._names[place]
        found, points = self._places.find(seen, name=name)
        picture = explained = None
        if args.out is not None:
            picture = args.out / f"{name}.png"
            if args.explain:
                explained = self._explain(seen, args.out / f"{explained_name}.png", counter)
            seen.save(picture, points=points, zones=self._places.zones, pixels=_PICTURE_PIXELS)
        return {
            **seen.to_dict(),
            "overlay": picture and str(picture),
            **({"explained": explained and str(explained)} if args.explain else {}),
            **found,
        }

    def write_places(self, rows: list[Row]) -> list[Path]:
        """Write the places of all images in the form of an annotation tool, if one is named; return the files."""
        return self._places.write(rows)

    @property
    def columns(self) -> list[str]:
        """The columns of a table, after those of the counts."""
        return ["overlay", *(["explained"] if self._args.explain else []), *self._places.columns]

    def _explain(self, seen: "Count", file: Path, counter: "Counter") -> Path | None:
        from crowdkit.counting import explain
        from crowdkit.pictures import save_image

        if seen.tiles > 1:
            print(
                f"not explained: {printable(seen.source)} was counted in {seen.tiles} tiles", file=sys.stderr
            )
            return None
        drawn = explain(
            counter.model,
            seen.picture.shrunk(_PICTURE_PIXELS),
            stage=self._args.stage,
            channel=self._args.channel,
            density=seen.density,
            device=counter.device,
            precision=self._args.precision,
        )
        return save_image(drawn.picture(), file)


def _check_explain(args: argparse.Namespace) -> None:
    if args.explain and args.out is None:
        raise ArgumentError("--explain: expected --out with it, got none; name a folder for the pictures")
    for name in ("stage", "channel"):
        if getattr(args, name) is not None and not args.explain:
            raise ArgumentError(f"--{name}: expected --explain with it, got none; add --explain")


def _try_folder(folder: Path, photographs: set[str]) -> None:
    if os.path.realpath(folder) in {os.path.dirname(each) for each in photographs}:  # noqa: PTH120 - a text
        raise ArgumentError(f"--out: expected a folder without the photographs, got {folder}; name another")
    there = next(each for each in (folder, *folder.absolute().parents) if os.path.lexists(each))
    try:
        with TemporaryFile(dir=there):  # the folder itself is made with its first picture
            pass
    except OSError as error:
        raise ArgumentError(
            f"--out: expected a folder to write to, got {folder}: {error.strerror}; name another"
        ) from error


def _try_table(file: Path, photographs: set[str]) -> None:
    if os.path.realpath(file) in photographs:
        raise ArgumentError(f"--csv: expected a file of its own, got the photograph {file}; name another")
    if not file.parent.is_dir():
        raise ArgumentError(f"--csv: expected a file in a folder that exists, got {file}; make it first")
    try:
        # What is there stays as it is, and nothing is left where nothing was.
        with file.open("a") if file.exists() else TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise ArgumentError(
            f"--csv: expected a file to write to, got {file}: {error.strerror}; name another"
        ) from error


def _names(sources: Iterable[object], *, explain: bool) -> list[tuple[str, str]]:
    """Name the picture and the explanation of every image, the same in every process."""
    taken: set[str] = set()
    names = []
    for source in sources:
        picture = _unused(_stem(source), taken)
        names.append((picture, _unused(f"{picture}-explained", taken) if explain else ""))
    return names


def _stem(source: object) -> str:
    if isinstance(source, Path):
        return source.stem
    return re.sub(r"[^\w.-]", "_", Path(unquote(urlsplit(str(source)).path)).stem) or "image"


def _unused(stem: str, names: set[str]) -> str:
    name, number = stem, 1
    while name in names:
        number += 1
        name = f"{stem}-{number}"
    names.add(name)
    return name
