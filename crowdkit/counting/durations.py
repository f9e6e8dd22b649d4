"""Spans of time as people write them."""

import math
import re

from crowdkit.errors import ArgumentError

_UNITS = {"": 1.0, "s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0}
_FORM = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(|s|ms|min|h)\s*", re.ASCII)


def parse_duration(text: str | float, name: str = "duration") -> float:
    """Read a span of time: ``"0.5s"``, ``"200ms"``, ``"10min"``, ``"2h"``, or seconds as a number.

    Args:
        text: The span.
        name: What it is called in the message.

    Returns:
        Seconds, more than 0.

    Raises:
        ArgumentError: If it is no span of time, or not more than 0.

    Examples:
        >>> parse_duration("0.5s"), parse_duration("2 min"), parse_duration(3)
        (0.5, 120.0, 3.0)
    """
    seconds = _seconds(text) if isinstance(text, str) else float(text)
    if not (math.isfinite(seconds) and seconds > 0):
        raise ArgumentError(f'{name}: expected a time such as "0.5s", "200ms", "10min" or "2h", got {text!r}')
    return seconds


def _seconds(text: str) -> float:
    match = _FORM.fullmatch(text)
    return float(match[1]) * _UNITS[match[2]] if match else math.nan
