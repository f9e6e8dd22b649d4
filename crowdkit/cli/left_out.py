"""``crowdkit count``: what of the folders and files that were named is not counted."""

from pathlib import Path


def left_out(places: list[Path], files: list[Path]) -> list[str]:
    """Say what is not counted: images in folders below, and pages behind the first.

    Args:
        places: The files and folders that were named.
        files: The images that are counted.

    Returns:
        A line for each.
    """
    from crowdkit.data.image import is_image, read_header
    from crowdkit.errors import DataError

    lines = []
    for place in places:
        if not place.is_dir():
            continue
        for folder in sorted(
            each for each in place.iterdir() if each.is_dir() and not each.name.startswith(".")
        ):
            number = sum(is_image(file) for file in folder.rglob("*"))
            if number:
                lines.append(f"{folder}: not counted, {_images(number)} below; name the folder to count them")
    for file in files:
        if file.suffix.lower() not in (".tif", ".tiff", ".gif", ".webp"):
            continue
        try:
            pages = read_header(file).pages
        except DataError:
            continue  # reported when it is its turn
        if pages > 1:
            lines.append(
                f"{file}: the first of {pages} pages is counted; save the others as images of their own"
            )
    return lines


def _images(number: int) -> str:
    return "an image" if number == 1 else f"{number} images"
