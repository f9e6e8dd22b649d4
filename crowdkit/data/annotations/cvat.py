"""CVAT: the XML of "CVAT for images 1.1" and "CVAT for video 1.1"."""

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from crowdkit.data.annotations.heads import Format, ImageHeads
from crowdkit.data.annotations.marks import Marks, pixels
from crowdkit.data.annotations.skeleton import head_of
from crowdkit.data.annotations.source import Source

_HEAD = "head"


def _recognize(source: Source) -> bool:
    root = source.xml if source.tag() == "annotations" else None
    return root is not None and any(
        root.find(tag) is not None for tag in ("image", "track", "meta", "version")
    )


def _read(source: Source) -> list[ImageHeads]:
    images = [_read_image(each, source) for each in source.xml.iter("image")]
    return images if images or source.xml.find("track") is None else _read_video(source)


def _read_image(image: ElementTree.Element, source: Source) -> ImageHeads:
    marks = Marks()
    for shape in image:
        _add(marks, shape, shape.get("label", ""), source)
    return marks.heads(image.get("name"), image_size=pixels(image.get("height"), image.get("width")))


def _read_video(source: Source) -> list[ImageHeads]:
    """Read tracks; frames are called as CVAT calls the images that it exports."""
    root = source.xml
    size = root.find(".//original_size")
    known = None if size is None else pixels(size.findtext("height"), size.findtext("width"))
    frames: dict[int, Marks] = {}
    for track in root.iter("track"):
        for shape in track:
            marks = frames.setdefault(int(shape.get("frame", "")), Marks())
            if shape.get("outside") != "1":
                _add(marks, shape, track.get("label", ""), source)
    total = root.findtext(".//task/size") or root.findtext(".//job/size") or ""
    for frame in range(int(total) if total.isdecimal() and int(total) < 10**7 else 0):
        frames.setdefault(frame, Marks())
    return [marks.heads(f"frame_{frame:06d}", image_size=known) for frame, marks in sorted(frames.items())]


def _add(marks: Marks, shape: ElementTree.Element, label: str, source: Source) -> None:
    def value(name: str) -> float:
        return float(shape.get(name, ""))

    match shape.tag:
        case "points":
            for x, y in _places(shape):
                marks.point(x, y, label)
        case "box":
            marks.box(value("xtl"), value("ytl"), value("xbr"), value("ybr"), label)
        case "polygon":
            marks.polygon(_places(shape), label)
        case "ellipse":
            marks.ellipse(value("cx"), value("cy"), value("rx"), value("ry"), label)
        case "skeleton":
            seen = {
                each.get("label", ""): _places(each)[0]
                for each in shape.iter("points")
                if each.get("outside") != "1"
            }
            place = head_of(seen, source)
            if place is None:
                marks.leave_out("skeleton without a point on the head")
            else:
                marks.point(*place, label)
        case "tag":
            pass  # says something of the image as a whole
        case other:
            marks.leave_out(other)


def _places(shape: ElementTree.Element) -> list[tuple[float, float]]:
    pairs = [pair.split(",") for pair in shape.get("points", "").split(";")]
    return [(float(x), float(y)) for x, y in pairs]


def _task(images: Sequence[ImageHeads]) -> ElementTree.Element:
    """Describe the task, without which other programs do not read the file."""
    meta = ElementTree.Element("meta")
    task = ElementTree.SubElement(meta, "task")
    last = max(0, len(images) - 1)
    known = {"name": "heads", "size": len(images), "mode": "annotation", "start_frame": 0, "stop_frame": last}
    for tag, value in known.items():
        ElementTree.SubElement(task, tag).text = str(value)
    labels = ElementTree.SubElement(task, "labels")
    for name in sorted({head.label or _HEAD for image in images for head in image.heads()} or {_HEAD}):
        label = ElementTree.SubElement(labels, "label")
        ElementTree.SubElement(label, "name").text = name
        ElementTree.SubElement(label, "type").text = "any"
        ElementTree.SubElement(label, "attributes")
    return meta


def _write(images: Sequence[ImageHeads]) -> dict[str, str | bytes]:
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    root.append(_task(images))
    for number, image in enumerate(images):
        height, width = image.known_size()
        known: dict[str, Any] = {"id": number, "name": image.known_name(), "width": width, "height": height}
        element = ElementTree.SubElement(root, "image", {key: str(each) for key, each in known.items()})
        for head in image.heads():
            x, y, half = head.x, head.y, head.size / 2
            places = (
                {"xtl": x - half, "ytl": y - half, "xbr": x + half, "ybr": y + half}
                if head.has_size
                else {"points": f"{x!r},{y!r}"}
            )
            shape = {
                "label": head.label or _HEAD,
                "source": "manual",
                "occluded": "0",
                **places,
                "z_order": "0",
            }
            ElementTree.SubElement(
                element,
                "box" if head.has_size else "points",
                {key: str(each) for key, each in shape.items()},
            )
    ElementTree.indent(root)
    return {"annotations.xml": ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"}


FORMATS = (
    Format(
        name="cvat",
        title="CVAT for images or video 1.1 (XML)",
        recognize=_recognize,
        read=_read,
        write=_write,
    ),
)
