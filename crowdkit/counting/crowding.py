"""How dense is too dense: Fruin's levels of service and limits of safety guidance, by name."""

from bisect import bisect_right
from typing import NamedTuple

from crowdkit.errors import ArgumentError, check_choice

_SQUARE_FOOT = 0.3048**2
# Least area per person in square feet, of levels A to E; F is what is left.
_MODULES = {"walking": (35.0, 25.0, 15.0, 10.0, 5.0), "standing": (13.0, 10.0, 7.0, 3.0, 2.0)}


class DensityLimit(NamedTuple):
    """A density that a source names.

    Attributes:
        density: People per square meter.
        meaning: What the source says of it.
        source: The source.
    """

    density: float
    meaning: str
    source: str


_CAUSES = "Fruin, The Causes and Prevention of Crowd Disasters, 1993"
_LIMITS = {
    "free-walking": DensityLimit(1 / (25 * _SQUARE_FOOT), "people walk as they like", _CAUSES),
    "planned": DensityLimit(2.0, "what outdoor events are planned for", "The Purple Guide to Events"),
    "shuffling": DensityLimit(1 / (5 * _SQUARE_FOOT), "walking becomes a shuffle", _CAUSES),
    "contact": DensityLimit(1 / (3 * _SQUARE_FOOT), "people touch whether they want or not", _CAUSES),
    "moving-limit": DensityLimit(
        4.0, "a moving crowd becomes unstable", "Still, Introduction to Crowd Science, 2014"
    ),
    "standing-limit": DensityLimit(
        4.7, "the most on a standing terrace in the best condition", "Guide to Safety at Sports Grounds, 2018"
    ),
    "dangerous": DensityLimit(1 / (2 * _SQUARE_FOOT), "dangerous forces develop", _CAUSES),
    "critical": DensityLimit(7.0, "the crowd moves like a fluid, shock waves pass through it", _CAUSES),
}


def density_limits() -> dict[str, DensityLimit]:
    """Return densities that safety guidance names, the lowest first.

    Examples:
        >>> round(density_limits()["dangerous"].density, 1)
        5.4
    """
    return dict(_LIMITS)


def fruin_level(density: float, *, kind: str = "walking") -> str:
    """Return Fruin's level of service of a density, from A (free) to F (jammed).

    Args:
        density: People per square meter.
        kind: ``"walking"`` for walkways, ``"standing"`` for queues and waiting areas.

    Returns:
        A letter.

    Raises:
        ArgumentError: If ``density`` is negative or NaN.
        UnknownNameError: If ``kind`` is neither word.

    References:
        Fruin. *Pedestrian Planning and Design*, 1971, chapter 4; areas per person in square feet.

    Examples:
        >>> fruin_level(0.2), fruin_level(2.0), fruin_level(2.0, kind="standing")
        ('A', 'E', 'D')
    """
    check_choice("kind", kind, _MODULES)
    if not density >= 0:
        raise ArgumentError(
            f"density: expected people per square meter >= 0, got {density}; there is no ground there"
        )
    return "ABCDEF"[bisect_right([1 / (area * _SQUARE_FOOT) for area in _MODULES[kind]], density)]


def limits_over(density: float) -> list[str]:
    """Return the names of :func:`density_limits` that a density reaches, the highest last.

    Examples:
        >>> limits_over(3.7)
        ['free-walking', 'planned', 'shuffling', 'contact']
    """
    return [name for name, limit in _LIMITS.items() if density >= limit.density]
