"""Which image an annotation means: names as tools write them."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_SUFFIX = re.compile(r"\.(jpe?g|jfif|png|bmp|tiff?|webp|gif|hei[cf])$", re.IGNORECASE)
_UPLOAD = re.compile(r"^[0-9a-f]{8}-(?=.)")  # Label Studio's, before a name
_ROBOFLOW = re.compile(r"_(jpe?g|png|bmp|tiff?|webp)\.rf\.[0-9a-zA-Z]+$", re.IGNORECASE)


def is_image_name(name: str) -> bool:
    """Tell whether a name ends as those of images do."""
    return _SUFFIX.search(name) is not None


def image_in(content: Any) -> str | None:
    """Find the name of an image among the values of a table: the first text that ends as images do."""
    texts = [each for each in content.values() if isinstance(each, str)]
    named = [
        content[key] for key in ("image", "img", "file_name", "filename") if isinstance(content.get(key), str)
    ]
    places = [_of_address(each) for each in (*named, *texts)]
    return next((each for each in places if _SUFFIX.search(each)), places[0] if named else None)


def _of_address(text: str) -> str:
    """Return the path in an address, also in its query, as local storage has it."""
    text = text.replace("\\", "/")
    if "?d=" not in text and "://" not in text:
        return text
    try:
        parts = urlsplit(text)
        inner = parse_qs(parts.query).get("d")
    except ValueError:
        return text
    return inner[0] if inner else unquote(parts.path)


def spellings(name: str) -> Iterator[tuple[str, ...]]:
    """Go from the exact path to looser and looser forms of a name: what two names must share to be one."""
    path = PurePosixPath(_of_address(name))
    yield ("path", str(path))
    yield ("end", _SUFFIX.sub("", "/".join(path.parts[-2:])))
    yield ("name", path.name)
    yield ("any case", path.name.casefold())
    stem = _SUFFIX.sub("", path.name).casefold()
    yield ("stem", stem)
    yield ("plain", re.sub(r"[\s_]+", "_", _UPLOAD.sub("", _ROBOFLOW.sub("", unquote(stem)))))


class Names:
    r"""The images of a folder, to be found by any spelling of their names.

    Args:
        names: Their paths below the folder.

    Examples:
        >>> names = Names(["day/a.jpg", "day/b.JPG"])
        >>> names.find("C:\\photos\\b.jpg"), names.find("624cb493-a.jpg"), names.find("c.jpg")
        ('day/b.JPG', 'day/a.jpg', None)
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._known: dict[tuple[str, ...], set[str]] = {}
        for name in names:
            for spelling in spellings(name):
                self._known.setdefault(spelling, set()).add(name)

    def find(self, name: str) -> str | None:
        """Return the one image that a name means; ``None`` if there is none, or several."""
        for spelling in spellings(name):
            found = self._known.get(spelling, set())
            if found:
                return next(iter(found)) if len(found) == 1 else None
        return None

    def all_of(self, name: str) -> set[str]:
        """Return the images that a name may mean, at its strictest spelling that any image shares."""
        return next((self._known[each] for each in spellings(name) if each in self._known), set())
