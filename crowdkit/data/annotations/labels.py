"""Classes of heads: which there are, and which are counted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from crowdkit.data.annotations.heads import ImageHeads
from crowdkit.errors import DataError

# Of several classes these are what a crowd counter counts.
_PEOPLE = ("head", "heads", "person", "people")


def select_labels(images: Iterable[ImageHeads], labels: Sequence[str]) -> list[ImageHeads]:
    """Keep the heads of some classes.

    Args:
        images: The heads of each image.
        labels: The classes, in any case; each must occur.

    Returns:
        The same images with these heads.

    Raises:
        DataError: If a class does not occur.
    """
    listed = list(images)
    counts = Counter(label for image in listed for label in image.labels)
    chosen = choose_labels(counts, labels)
    if not isinstance(chosen, tuple):
        raise DataError(chosen or "label: expected a class of heads to keep, got none; name one")
    return [image.select(chosen) if image.labels else image for image in listed]


def choose_labels(
    counts: Mapping[str, int], asked: str | Sequence[str] | None
) -> tuple[str, ...] | str | None:
    """Choose the classes to count.

    Args:
        counts: How many heads of each class there are.
        asked: What the user says.

    Returns:
        The classes; ``None`` if there are none to choose from; or, as a text, why none can be chosen.
    """
    wanted = [asked] if isinstance(asked, str) else list(asked or ())
    if not counts:
        listed = ", ".join(map(repr, wanted))
        return (
            f"label: expected heads with classes, got none with any; leave out {listed}" if wanted else None
        )
    folded: dict[str, list[str]] = {}
    for label in counts:
        folded.setdefault(label.casefold(), []).append(label)
    missing = [each for each in wanted if each not in counts and each.casefold() not in folded]
    if missing:
        return f"label: expected one of {listed_labels(counts)}, got {missing[0]!r}; choose one that occurs"
    if wanted:
        return tuple(
            name for each in wanted for name in ([each] if each in counts else folded[each.casefold()])
        )
    if len(counts) == 1:
        return tuple(counts)
    for name in _PEOPLE:
        if name in folded:
            return tuple(folded[name])
    return f"label: expected one class of heads, got {listed_labels(counts)}; choose with label="


def listed_labels(counts: Mapping[str, int]) -> str:
    """List classes with their numbers of heads, the most frequent first."""
    ordered = Counter(counts).most_common()
    listed = [f"{label!r} ({number})" if label else f"no class ({number})" for label, number in ordered[:12]]
    return ", ".join(listed) + (f" and {len(ordered) - 12} others" if len(ordered) > 12 else "")
