"""Pascal VOC boxes, the XML of labelImg and SCUT-HEAD: a file for each image."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import torch
from torch import Tensor

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.marks import Marks, pixels
from crowdkit.data.annotations.source import Source
from crowdkit.errors import DataError

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_voc(path: Path) -> tuple[Tensor, Tensor]:
    """Read the heads of one image from a Pascal VOC ``.xml`` file.

    Args:
        path: The file; every ``<object>`` with a ``<bndbox>`` is a head.

    Returns:
        Centers, shape (N, 2), float64 (x, y) in the file's own coordinates, and the side of each head in pixels
        (the root of its box's area), shape (N,), float64.

    Raises:
        DataError: If the file is missing, is no VOC file, or a box is missing or not a box.
    """
    [image] = _read(Source(path))
    return image.points, torch.zeros(0, dtype=torch.float64) if image.sizes is None else image.sizes


def _recognize(source: Source) -> bool:
    root = source.xml if source.tag() == "annotation" else None
    return root is not None and (root.find("object/bndbox") is not None or root.find("object") is None)


def _read(source: Source) -> list[ImageHeads]:
    root = source.xml
    if root.tag != "annotation":
        raise DataError(
            f"{source.path}: expected <annotation>, the root of Pascal VOC, got <{root.tag[:40]}>; check the file"
        )
    marks = Marks()
    for each in root.iter("object"):
        left, top, right, bottom = _box(each, source.path)
        marks.box(left, top, right, bottom, each.findtext("name", ""))
    size = pixels(root.findtext("size/height"), root.findtext("size/width"))
    return [marks.heads(root.findtext("filename") or None, image_size=size)]


def _box(head: ElementTree.Element, path: Path) -> list[float]:
    written = [head.findtext(f"bndbox/{name}", "") for name in _CORNERS]
    try:
        left, top, right, bottom = (float(each) for each in written)
    except ValueError as error:
        raise DataError(
            f"{path}: expected four numbers in <bndbox>, got {dict(zip(_CORNERS, written, strict=True))}; correct it"
        ) from error
    if not (left < right and top < bottom):
        raise DataError(
            f"{path}: expected xmin < xmax and ymin < ymax, got the box {[left, top, right, bottom]}; correct it"
        )
    return [left, top, right, bottom]


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    """Write boxes; a head without a size becomes one of a pixel."""
    files: dict[str, str | bytes] = {}
    for image in images:
        name = PurePosixPath(image.known_name())
        height, width = image.known_size()
        root = ElementTree.Element("annotation")
        ElementTree.SubElement(root, "filename").text = name.name
        size = ElementTree.SubElement(root, "size")
        for tag, value in (("width", width), ("height", height), ("depth", 3)):
            ElementTree.SubElement(size, tag).text = str(value)
        for head in image.heads():
            half = head.size / 2 if head.has_size else 0.5
            corners = (head.x - half, head.y - half, head.x + half, head.y + half)
            each = ElementTree.SubElement(root, "object")
            ElementTree.SubElement(each, "name").text = head.label or "head"
            box = ElementTree.SubElement(each, "bndbox")
            for tag, corner in zip(_CORNERS, corners, strict=True):
                ElementTree.SubElement(box, tag).text = repr(corner)
        ElementTree.indent(root)
        files[str(name.with_suffix(".xml"))] = ElementTree.tostring(root, encoding="unicode") + "\n"
    return files


FORMATS = (
    Format(
        name="voc",
        title="Pascal VOC, labelImg (XML)",
        recognize=_recognize,
        read=_read,
        write=_write,
        convention="matlab",
    ),
)
