"""What a file is that is no image, told from its first bytes, and what to do with it."""

from pathlib import PurePath
from typing import NamedTuple

from crowdkit.errors import DataError

# Enough for two packets of an MPEG transport stream, and for the first name inside a ZIP file.
HEAD_BYTES = 1024

_VIDEO_SUFFIXES = (
    *(".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov"),
    *(".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"),
)
_CHECKPOINT_SUFFIXES = (".ckpt", ".pt", ".pth", ".safetensors", ".h5", ".hdf5", ".onnx", ".pt2")
# MP4's container also holds photographs.
_PHOTO_BRANDS = frozenset((b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"))
_LEGACY_CHECKPOINT = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


class Kind(NamedTuple):
    """What a file is.

    Attributes:
        name: In words.
        advice: What to do with it instead.
    """

    name: str
    advice: str


VIDEO = Kind("a video", "video comes with the extra: pip install 'crowdkit[video]'")
STREAM = Kind("a live stream", "live video comes with the extra: pip install 'crowdkit[video]'")
CAMERA = Kind("the number of a camera", "live video comes with the extra: pip install 'crowdkit[video]'")
_CHECKPOINT = Kind("weights of a model", "name the model's folder as the model, and count photographs")
_PICKLE = Kind("a Python pickle", "it may run code and is never opened; save the pixels as PNG or .npy")
_PAGE = Kind("a web page", "name the address of the image itself")
_TEXT = Kind("text", "name a photograph; a list of photographs ends in .txt and holds one path per line")


def recognize(head: bytes, name: str = "") -> Kind | None:
    r"""Tell what a file is that is certainly no image.

    Args:
        head: Its first :data:`HEAD_BYTES`, or all of it.
        name: Its name; the ending decides where the bytes say nothing.

    Returns:
        What it is; ``None`` if it may be an image.

    Examples:
        >>> recognize(b"<!DOCTYPE html><html>").name, recognize(b"\x89PNG\r\n\x1a\n\0")
        ('a web page', None)
    """
    suffix = PurePath(name).suffix.lower()
    if not head:
        return Kind("an empty file", "copy it again")
    if _is_video(head):
        return VIDEO
    if (
        head.startswith(_LEGACY_CHECKPOINT) or head[4:10] == b'\0\0\0\0{"'
    ):  # the length of safetensors' header
        return _CHECKPOINT
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return _CHECKPOINT if suffix in _CHECKPOINT_SUFFIXES else _PICKLE
    if head.startswith(b"PK\x03\x04"):
        model = suffix in _CHECKPOINT_SUFFIXES or b"data.pkl" in head
        return _CHECKPOINT if model else Kind("a ZIP archive", "unpack it and name the folder")
    for begin, kind in _BEGINNINGS.items():
        if head.startswith(begin):
            return kind
    if _is_text(head):
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        return _PAGE if start.startswith((b"<!doctype html", b"<html", b"<head")) else _TEXT
    if suffix in _VIDEO_SUFFIXES:
        return VIDEO
    return _CHECKPOINT if suffix in _CHECKPOINT_SUFFIXES else None


def refusal(name: str, kind: Kind) -> DataError:
    """Make the error for what is no image."""
    return DataError(f"{name}: expected an image, got {kind.name}; {kind.advice}")


_BEGINNINGS = {
    b"%PDF": Kind("a PDF document", "save its pages as PNG"),
    b"MATLAB 5.0": Kind("a MATLAB file", "annotations are read by crowdkit check; count the photographs"),
    b"\x89HDF": Kind("an HDF5 file", "open it with h5py and give the array of pixels"),
    b"\x1f\x8b": Kind("a gzip archive", "unpack it and name the folder"),
    b"7z\xbc\xaf": Kind("a 7z archive", "unpack it and name the folder"),
    b"Rar!": Kind("a RAR archive", "unpack it and name the folder"),
}


def _is_video(head: bytes) -> bool:
    box, brand = head[4:8], head[8:12]
    return (
        (box == b"ftyp" and brand not in _PHOTO_BRANDS)
        or box in (b"moov", b"mdat", b"wide")
        or (head[:4] == b"RIFF" and brand == b"AVI ")
        or head.startswith(
            (b"\x1aE\xdf\xa3", b"\0\0\x01\xba", b"\0\0\x01\xb3", b"FLV\x01", b"0&\xb2u\x8ef\xcf\x11")
        )
        or (len(head) > 376 and head[0] == head[188] == head[376] == 0x47)
    )


def _is_text(head: bytes) -> bool:
    """Tell text from pixels; Netpbm's images begin with text."""
    if head[:1] == b"P" and head[1:2].isdigit() and head[2:3].isspace():
        return False
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < max(1, len(head) - 3):  # not a letter that was cut
            return False
        text = head[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter.isspace() for letter in text)
