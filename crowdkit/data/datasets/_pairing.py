"""Find photographs and the files with their heads in a folder, and say which belong together."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crowdkit.data.annotations import ANNOTATION_SUFFIXES, Convention, ImageHeads, read_annotations
from crowdkit.data.annotations.names import Names
from crowdkit.data.datasets._images import (
    FOLDERS,
    JUNK,
    PICTURES,
    call_images,
    find_images,
    of_split,
    stems_of,
    walk,
)
from crowdkit.errors import DataError

# Texts that lie beside annotations and are none.
_NOTES = (
    *(
        "classes",
        "labels",
        "labelmap",
        "label_map",
        "predefined_classes",
        "readme",
        "license",
        "notes",
        "notice",
    ),
    *("train", "val", "valid", "test", "trainval", "data", "requirements", "package", "config", "metadata"),
)


@dataclass
class Pairs:
    """What was found.

    Attributes:
        images: The images of the split.
        names: What each is called.
        files: The file with the heads of each.
        heads: The heads of each; a text that says why they cannot be read, or ``None`` without a file.
        unpaired: Annotations that belong to no image.
        unread: What is wrong with each file that is no annotation.
        left_out: Images that are not used, in words.
    """

    images: list[Path]
    names: list[str]
    files: list[Path]
    heads: list[ImageHeads | str | None]
    unpaired: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def find_pairs(
    root: Path,
    annotations: Path | None,
    *,
    split: str,
    format: str,  # noqa: A002
    convention: Convention | None,
    keypoint: str | None,
    missing: str,
) -> Pairs:
    """Find the images of a folder and read their heads.

    Args:
        root: The folder.
        annotations: The file or folder with the heads; searched for when ``None``.
        split: Which images, where folders are called after splits.
        format: As for :func:`~crowdkit.data.annotations.read_annotations`.
        convention: As there.
        keypoint: As there.
        missing: ``"empty"`` if no annotation needs to be there.

    Returns:
        What belongs together; what cannot be read is said there.

    Raises:
        DataError: If there is no image, an image has two annotations, or no annotation belongs to any image.
    """
    home, everything, left_out = find_images(root)
    images = of_split(everything, home, split)
    pairs = Pairs(
        images=images,
        names=call_images(images, home),
        files=[image.with_suffix(".csv") for image in images],
        heads=[None] * len(images),
        left_out=left_out,
    )
    files, looked = _find_files(root, home, everything, annotations)
    given = annotations is not None and annotations.is_file()
    readings = [(file, _read(file, format, convention, keypoint)) for file in files]
    if given and isinstance(readings[0][1], str):
        raise DataError(readings[0][1])
    _match(pairs, readings, home, everything)
    stems = {image.stem for image in everything}
    tables = [
        file
        for file, entries in readings
        if not isinstance(entries, str) and file.stem not in stems and entries
    ]
    if len(tables) == 1 or given:  # where images without heads should have been
        pairs.files = [
            files[0] if given else tables[0] if heads is None else file
            for file, heads in zip(pairs.files, pairs.heads, strict=True)
        ]
    if not any(each is not None for each in pairs.heads):
        _raise_for_nothing(pairs, looked, missing=missing)
    return pairs


def _find_files(
    root: Path, home: Path, images: Sequence[Path], given: Path | None
) -> tuple[list[Path], list[Path]]:
    """Return the files that may hold heads, and where they were looked for."""
    known = set(images)
    if given is not None:
        if not given.exists():
            raise DataError(f"annotations: expected a file or folder, got {given}, which is not there")
        if given.is_file():
            return [given], [given]
        return [file for file in walk(given) if file not in known and _may_hold(file, dots=True)], [given]
    base = root.parent if root.name in PICTURES else root
    inside = {image.parent for image in images}
    above = {
        folder for image in images for folder in image.parents if folder == base or base in folder.parents
    }
    places = [base, *(each for each in sorted(base.iterdir()) if each.is_dir())]
    files = []
    for place in places:
        named = place.name.lower() in FOLDERS and place != base
        if place == base:
            found: Iterable[Path] = (file for file in sorted(place.iterdir()) if file.is_file())
        elif named or place in above or place == home:
            found = walk(place)
        else:
            continue
        for file in found:
            in_folder = named or any(part.lower() in FOLDERS for part in file.relative_to(base).parts[:-1])
            beside = file.parent in inside | above
            if file not in known and (in_folder or beside) and _may_hold(file, dots=in_folder or beside):
                files.append(file)
    looked = dict.fromkeys([home, base, *(file.parent for file in files)])
    return files, list(looked)


def _may_hold(file: Path, *, dots: bool) -> bool:
    if file.name.startswith(".") or file.name in JUNK:
        return False
    suffix = file.suffix.lower()
    return suffix in ANNOTATION_SUFFIXES or (dots and suffix in (".png", ".bmp", ".tif", ".tiff"))


def _read(
    file: Path, name: str, convention: Convention | None, keypoint: str | None
) -> list[ImageHeads] | str:
    try:
        return read_annotations(file, format=name, convention=convention, keypoint=keypoint)
    except DataError as error:
        return str(error)


def _match(
    pairs: Pairs,
    readings: Sequence[tuple[Path, list[ImageHeads] | str]],
    home: Path,
    everything: Sequence[Path],
) -> None:
    keys = {image.relative_to(home).as_posix(): image for image in everything}
    known = Names(keys)
    places = {image: place for place, image in enumerate(pairs.images)}

    def image_of(*names: str) -> Path | None:
        return next((keys[found] for found in map(known.find, names) if found is not None), None)

    for file, entries in readings:
        folder = os.path.relpath(file.parent, home).replace(os.sep, "/")
        own = image_of(*(name for stem in stems_of(file.stem) for name in (f"{folder}/{stem}", stem)))
        if isinstance(entries, str):
            if own in places:
                pairs.heads[places[own]], pairs.files[places[own]] = entries, file
            elif own is None and file.stem.lower() not in _NOTES:
                pairs.unread.append(entries)
            continue
        for entry in entries:
            image = own
            if entry.name is not None and (own is None or len(entries) > 1):
                image = image_of(f"{folder}/{entry.name}", entry.name)
            if image is None:
                pairs.unpaired.append(entry.name or str(file))
            elif image in places:
                _put(pairs, places[image], file, entry)
    pairs.unpaired.sort()


def _put(pairs: Pairs, place: int, file: Path, entry: ImageHeads) -> None:
    before = pairs.heads[place]
    if before is None:
        pairs.heads[place], pairs.files[place] = entry, file
        return
    if pairs.files[place] != file:
        raise DataError(
            f"{pairs.images[place]}: expected one annotation, got {pairs.files[place]} and {file}; pass annotations="
        )
    if isinstance(before, ImageHeads):
        pairs.heads[place] = (
            f"{file}: expected one name for each image, got heads of both {before.name} and {entry.name}; give all of "
            "them one name"
        )


def _raise_for_nothing(pairs: Pairs, looked: Sequence[Path], *, missing: str) -> None:
    """Say why no image has heads, unless that is what was said of the images."""
    first = pairs.images[0]
    if pairs.unpaired:
        images, others = (
            ", ".join(each[:3]) for each in ([image.name for image in pairs.images], pairs.unpaired)
        )
        raise DataError(
            f"annotations: expected heads of the images in {first.parent} ({images}, ...), got those of others "
            f"({others}, ...); give the files one name"
        )
    if missing == "error":
        places = " or ".join(map(str, looked))
        found = f"none that can be read ({pairs.unread[0]})" if pairs.unread else "none"
        raise DataError(
            f"annotations: expected the heads of {first.name} and others in {places}, got {found}; "
            "pass annotations=, or missing='empty' if nobody is in the images"
        )
