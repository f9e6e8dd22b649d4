"""What can be wrong with a data set, and how bad it is."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]

SEVERITY: dict[str, Severity] = {
    "unreadable image": "error",
    "missing annotation": "error",
    "unreadable annotation": "error",
    "not finite": "error",
    "classes": "error",
    "unit": "error",
    "another size": "error",
    "another total": "error",
    "x and y": "error",
    "many outside": "error",
    "no heads": "error",
    "region": "error",
    "outside": "warning",
    "duplicate heads": "warning",
    "no image": "warning",
    "turned": "warning",
    "incomplete": "warning",
    "left out": "warning",
    "pages": "warning",
    "not read": "warning",
    "clamped": "note",
    "empty": "note",
    "out of region": "note",
    "unpublished": "note",
}


@dataclass(frozen=True)
class Issue:
    """One finding.

    Attributes:
        kind: ``"unreadable image"``, ``"missing annotation"``, ``"unreadable annotation"``, ``"not finite"``
            (NaN or infinity), ``"classes"`` (several, and none chosen), ``"unit"`` (fractions or percent instead of
            pixels), ``"another size"`` (the file gives its image another size), ``"another total"`` (it says how many
            heads it has, and has not), ``"x and y"`` (they fit better swapped), ``"many outside"`` (a large share
            of the heads is dropped), ``"no heads"`` (in the whole set), ``"region"`` (a mark for many heads),
            ``"outside"`` (heads dropped), ``"duplicate heads"``, ``"no image"`` (an annotation without one),
            ``"turned"`` (an EXIF orientation that is ignored), ``"incomplete"`` (images of the data set that are not
            there), ``"left out"`` (marks or images that are not used), ``"pages"`` (images behind the first in a file),
            ``"not read"`` (files that hold no heads), ``"clamped"``, ``"empty"`` (no people), ``"out of region"``
            (heads outside the region of interest) or ``"unpublished"`` (the split's heads were never published).
        name: The image's name, or that of a file or the data set.
        message: What was found, in words.
        heads: How many heads it concerns.
    """

    kind: str
    name: str
    message: str
    heads: int = 0

    @property
    def severity(self) -> Severity:
        """``"error"`` (it cannot be used, or would be wrong), ``"warning"`` or ``"note"``."""
        return SEVERITY[self.kind]
