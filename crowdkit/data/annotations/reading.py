"""Read and write heads, whatever the file's format, in continuous coordinates."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from crowdkit.data.annotations.formats import find_format, formats, list_formats
from crowdkit.data.annotations.heads import SHIFT, Convention, Format, ImageHeads, Loss
from crowdkit.data.annotations.source import Source
from crowdkit.errors import ArgumentError, CrowdKitError, DataError, check_choice

ANNOTATION_SUFFIXES = (
    *(".csv", ".tsv", ".txt", ".xls", ".json", ".jsonl", ".ndjson", ".odgt", ".pnt", ".xml", ".npy", ".mat"),
    *(".h5", ".hdf5"),
)
"""How files are called among which heads are looked for; what they hold is decided by their content."""


def read_annotations(
    path: str | Path,
    *,
    format: str = "auto",  # noqa: A002 (the word of the command line)
    convention: Convention | None = None,
    keypoint: str | None = None,
) -> list[ImageHeads]:
    r"""Read the heads of one image or of many from a file that an annotation tool wrote.

    Args:
        path: The file.
        format: One of :func:`list_formats`; ``"auto"`` recognizes it by the file's content.
        convention: Where the file puts the center of the first pixel: ``"continuous"`` at (0.5, 0.5),
            ``"index"`` at (0, 0) and ``"matlab"`` at (1, 1). ``None`` is the format's own.
        keypoint: The key point of a skeleton that is the head; those on the head by name when ``None``.

    Returns:
        The heads of every image in the file, in continuous coordinates, or in parts of the image's sides where
        ``unit`` says so.

    Raises:
        DataError: If the file is missing, damaged, or of no format that is read.
        UnknownNameError: If there is no format or convention of that name.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "heads.csv"
        ...     _ = file.write_text("image,x,y\na.jpg,10,20.5\n")
        ...     [image] = read_annotations(file)
        >>> image.name, image.points.tolist()
        ('a.jpg', [[10.0, 20.5]])
    """
    if convention is not None:
        check_choice("convention", convention, SHIFT)
    source = Source(path, keypoint=keypoint)
    try:
        found = find_format(source, format)
        images = _read(found, source)
    except DataError as error:
        if len(str(error).splitlines()) > 1:  # what the file holds is part of it
            raise DataError(" ".join(str(error).split())) from error
        raise
    shift = SHIFT[convention or found.convention]
    return [each.shifted(shift) for each in images]


def _read(found: Format, source: Source) -> list[ImageHeads]:
    try:
        return found.read(source)
    except CrowdKitError:
        raise
    except KeyError as error:
        raise DataError(
            f"{source.path}: expected {found.title}, got malformed content, an entry without {error}; complete it"
        ) from error
    except Exception as error:  # a parser's own, whatever it is
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(
            f"{source.path}: expected {found.title}, got malformed content ({said}); check the file"
        ) from error


def read_points(path: str | Path, *, convention: Convention | None = None) -> Tensor:
    """Read the heads of one image from a file of any format of :func:`~crowdkit.data.annotations.list_formats`.

    Args:
        path: The file.
        convention: Where the file puts the center of the first pixel: ``"continuous"`` at (0.5, 0.5),
            ``"index"`` at (0, 0) and ``"matlab"`` at (1, 1). ``None`` is the format's own: ``"matlab"`` for ``.mat``
            files and Pascal VOC, ``"index"`` for napari and dot pictures, ``"continuous"`` for most.

    Returns:
        Shape (N, 2), float64 (x, y) in continuous coordinates; points outside the image are still there.

    Raises:
        DataError: If the file is missing, damaged, of another form, or holds several images.
    """
    images = read_annotations(path, convention=convention)
    if len(images) != 1:
        listed = ", ".join(str(each.name) for each in images[:3])
        raise DataError(
            f"{path}: expected the heads of one image, got those of {len(images)} ({listed}); give it as the "
            "annotations of the whole folder"
        )
    return images[0].in_pixels().points


def annotation_files(
    images: Iterable[ImageHeads],
    format: str,  # noqa: A002
) -> dict[str, str | bytes]:
    """Lay out heads in the form of a tool.

    Args:
        images: The heads of each image, in continuous pixels, or with the image's size.
        format: One of :func:`list_formats` that can be written.

    Returns:
        What each file holds, by its name: one file, or one for each image.

    Raises:
        UnknownNameError: If the format is not known or not written.
        DataError: If the format counts in what is not known, such as the images' sizes.
    """
    check_choice("format", format, list_formats(written=True))
    found = formats()[format]
    if found.write is None:  # never: it is a name of those that have it
        return {}
    return found.write([_prepared(each, found) for each in images])


def write_annotations(
    images: Iterable[ImageHeads],
    target: str | Path,
    *,
    format: str,  # noqa: A002
    overwrite: bool = False,
) -> list[Path]:
    """Write heads so that an annotation tool reads them.

    Args:
        images: The heads of each image, in continuous pixels, or with the image's size.
        target: A folder; or a file, for a format that has one for all images.
        format: One of :func:`list_formats` that can be written.
        overwrite: Whether files that are there may be overwritten.

    Returns:
        The files.

    Raises:
        ArgumentError: If the target is a file and the format has one for each image, or a file is there already.
        DataError: If the format counts in what is not known, such as the images' sizes.
        UnknownNameError: If the format is not known or not written.

    Examples:
        >>> import torch
        >>> from tempfile import TemporaryDirectory
        >>> heads = ImageHeads(points=torch.tensor([[10.0, 20.5]]), name="a.jpg", image_size=(48, 64))
        >>> with TemporaryDirectory() as folder:
        ...     [file] = write_annotations([heads], folder, format="cvat")
        ...     print(file.name, read_annotations(file)[0].points.tolist())
        annotations.xml [[10.0, 20.5]]
    """
    place = Path(target)
    files = annotation_files(images, format)
    if place.suffix and not place.is_dir():
        if len(files) != 1:
            raise ArgumentError(
                f"target: expected a folder for the {len(files)} files of {format}, got {target}; name a folder"
            )
        files = {place.name: next(iter(files.values()))}
        place = place.parent
    there = [place / name for name in files if (place / name).exists()]
    if there and not overwrite:
        raise ArgumentError(
            f"target: expected files that are not there yet, got {there[0]}, which is; name another folder, or "
            "overwrite it (--force, overwrite=True)"
        )
    written = []
    for name, content in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        written.append(path)
    return written


def lost_in(images: Iterable[ImageHeads], format: str) -> list[Loss]:  # noqa: A002
    """List what some images have and a format cannot hold.

    Args:
        images: Their heads, in pixels.
        format: One of :func:`list_formats`.

    Returns:
        Of ``"classes"``, ``"sizes"``, ``"images without heads"`` and ``"parts of pixels"`` those that would be lost.
    """
    listed = list(images)
    there: dict[Loss, bool] = {
        "classes": any(image.labels for image in listed),
        "sizes": any(image.sizes is not None for image in listed),
        "images without heads": not all(map(len, listed)),
        "parts of pixels": any(bool((image.points % 1 != 0.5).any()) for image in listed),
    }
    return [what for what in formats()[format].loses if there[what]]


def _prepared(image: ImageHeads, found: Format) -> ImageHeads:
    """Turn heads into pixels of the format's convention, under a name that stays below the target."""
    name = image.known_name().replace("\\", "/").lstrip("/")
    if ".." in name.split("/") or ":" in name.split("/")[0]:
        raise DataError(f"name: expected an image's name inside its folder, got {image.name}; rename it")
    return replace(image.in_pixels().shifted(-SHIFT[found.convention]), name=name)
