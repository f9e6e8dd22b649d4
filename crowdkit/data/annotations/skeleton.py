"""Which key point of a body is its head."""

from collections.abc import Mapping

from crowdkit.data.annotations.source import Source
from crowdkit.errors import DataError

Place = tuple[float, float]

_HEAD = ("head", "nose", "left_eye", "right_eye", "left_ear", "right_ear")


def head_of(seen: Mapping[str, Place], source: Source) -> Place | None:
    """Return where the head of a body is.

    Args:
        seen: Its visible key points by name.
        source: The file, which says whether a certain key point is asked for.

    Returns:
        The key point asked for; or else the one called head; or else the mean of nose, eyes and ears; or else
        the only one. ``None`` if it has none of these.

    Raises:
        DataError: If a certain key point is asked for and the body has others only.
    """
    if source.keypoint is not None:
        if seen and source.keypoint not in seen:
            raise DataError(
                f"{source.path}: expected the key point {source.keypoint!r}, got {', '.join(map(repr, seen))}; "
                "name one of these (keypoint=)"
            )
        return seen.get(source.keypoint)
    names = {name.lower().replace(" ", "_").replace("-", "_"): place for name, place in seen.items()}
    if "head" in names:
        return names["head"]
    on_head = [names[name] for name in _HEAD if name in names]
    if not on_head:
        return next(iter(seen.values())) if len(seen) == 1 else None
    return sum(x for x, _ in on_head) / len(on_head), sum(y for _, y in on_head) / len(on_head)
