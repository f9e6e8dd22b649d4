"""Find the photographs of a folder, of one split, and what each is called."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from crowdkit.data.image import IMAGE_SUFFIXES, is_image
from crowdkit.errors import DataError

PICTURES = ("images", "JPEGImages", "imgs", "img")
FOLDERS = (
    *(
        "annotations",
        "annotation",
        "ann",
        "anns",
        "ground_truth",
        "ground-truth",
        "groundtruth",
        "gt",
        "labels",
    ),
    *("label", "points", "dots", "json", "jsons", "xml", "xmls", "mats", "csv", "density"),
)
_SPLITS = {"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test", "testing")}
JUNK = ("Thumbs.db", "desktop.ini", "__MACOSX")
_AROUND = (
    *(
        "_ann",
        "_gt",
        "_GT",
        "_dots",
        "-dots",
        "dots",
        "_points",
        "-points",
        "_label",
        "_labels",
        "_annotation",
    ),
)
_BEFORE = ("GT_", "gt_", "CellCounter_")
# Pictures that are not read, so that their number in a folder is not wondered at.
_OTHER_PICTURES = (".avif", ".cr2", ".nef", ".arw", ".dng", ".psd", ".svg", ".jxl", ".raw")


def walk(folder: Path) -> Iterator[Path]:
    """Go through all files below a folder, without what systems leave there."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith(".") and each not in JUNK)
        yield from (
            Path(place, each) for each in sorted(files) if not each.startswith(".") and each not in JUNK
        )


def find_images(root: Path) -> tuple[Path, list[Path], list[str]]:
    """Return the folder of the images, all of them, and what is left out."""
    if not root.is_dir():
        raise DataError(f"root: expected a folder of images, got {root}; check the path")
    home = next((root / name for name in PICTURES if (root / name).is_dir()), root)
    files = [
        file
        for file in walk(home)
        if not any(part.lower() in FOLDERS for part in file.relative_to(home).parts[:-1])
    ]
    found = [file for file in files if is_image(file)]
    stems = {(file.parent, file.stem) for file in found}
    images = [file for file in found if not _is_dots(file, stems)]
    if not images:
        raise DataError(
            f"root: expected images ({', '.join(IMAGE_SUFFIXES)}) in {home}, got none; check the path"
        )
    others = [file for file in files if file.suffix.lower() in _OTHER_PICTURES]
    if home != root:
        others += [file for file in sorted(root.iterdir()) if is_image(file)]
    left_out = [f"{file}: this image is left out; convert it to JPEG or PNG, in {home}" for file in others]
    return home, images, left_out


def _is_dots(file: Path, stems: set[tuple[Path, str]]) -> bool:
    """Tell whether a picture lies beside another, under its name with a word for heads behind it."""
    return any((file.parent, stem) in stems for stem in stems_of(file.stem) if stem != file.stem)


def of_split(images: list[Path], home: Path, split: str) -> list[Path]:
    """Keep a split's images, if every image lies in a folder called after one."""
    by_word = {word: name for name, words in _SPLITS.items() for word in words}
    found = [
        next(
            (by_word[part.lower()] for part in image.relative_to(home).parts[:-1] if part.lower() in by_word),
            None,
        )
        for image in images
    ]
    if None in found:
        return images
    kept = [image for image, name in zip(images, found, strict=True) if name == split]
    if not kept:
        raise DataError(
            f"split: expected images of {split!r} in {home}, got folders of {', '.join(sorted(set(map(str, found))))}; "
            "choose one of these"
        )
    return kept


def call_images(images: Sequence[Path], home: Path) -> list[str]:
    """Call images by their stems, or by their paths where two have one stem."""
    stems = [image.stem for image in images]
    if len(set(stems)) == len(stems):
        return stems
    paths = [image.relative_to(home).with_suffix("").as_posix() for image in images]
    twice = (
        next((path for path in paths if paths.count(path) > 1), None)
        if len(set(paths)) < len(paths)
        else None
    )
    if twice is not None:
        raise DataError(f"{home}: expected one image of each name, got several called {twice}; rename them")
    return paths


def stems_of(stem: str) -> Iterator[str]:
    """Go from the name of an annotation file to names that its image may have."""
    yield stem
    for before in _BEFORE:
        if stem.startswith(before):
            yield stem.removeprefix(before)
    for after in _AROUND:
        if stem.endswith(after):
            yield stem.removesuffix(after)
            yield stem.removesuffix(after) + "cell"  # as the VGG cells are called
