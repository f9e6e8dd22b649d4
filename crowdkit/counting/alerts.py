"""Alerts: a count that stays beyond a limit."""

import math
import re
from typing import NamedTuple

from crowdkit.counting.durations import parse_duration
from crowdkit.errors import ArgumentError

_NUMBER = r"\d+(?:\.\d+)?"
_FORM = re.compile(
    rf"\s*(?P<zone>\S(?:.*?\S)?)\s*(?P<sign>[<>])\s*(?P<limit>{_NUMBER})\s*(?P<unit>/\s*m2)?"
    rf"(?:\s+for\s+(?P<hold>[\d.]+\s*[a-z]*))?(?:\s+until\s+(?P<until>{_NUMBER}))?\s*",
    re.ASCII,
)
_SLACK = 0.1  # of the limit: how far a count must come back, unless the alert says it


class AlertEvent(NamedTuple):
    """An alert that begins or ends.

    Attributes:
        time: When, in seconds.
        zone: Where.
        raised: Whether it begins.
        value: The count or density at that time.
        since: Since when the value has been beyond the limit, or back.
        alert: The alert as text.
    """

    time: float
    zone: str
    raised: bool
    value: float
    since: float
    alert: str

    def __str__(self) -> str:
        state = "ALERT" if self.raised else "clear"
        return f"{state} {self.time:.1f} s: {self.zone} at {self.value:.4g} since {self.since:.1f} s ({self.alert})"


class Alert:
    """Watch a zone for a count that stays beyond a limit.

    It begins once the value has been beyond the limit for ``hold`` without a break, and ends once it has been back at
    ``until`` for as long: a count that flickers about the limit raises one alert and not a hundred. A value that is NaN
    breaks a wait and ends nothing.

    Args:
        zone: Name of the zone.
        limit: The limit, in people, or people per square meter.
        above: Whether values above the limit matter, or those below.
        hold: How long, in seconds or as a text such as ``"10s"``; at once if ``None``.
        until: Where the alert may end; a tenth of the limit back from it if ``None``.
        per_square_meter: What the limit is of.

    Attributes:
        raised: Whether the alert is on.

    Raises:
        ArgumentError: If a number is out of range.

    Examples:
        >>> gate = Alert.parse("gate > 120 for 10s")
        >>> for time, count in [(0, 130), (5, 131), (10, 140), (20, 115), (25, 105), (40, 100)]:
        ...     event = gate.update(time, count)
        ...     if event:
        ...         print(event)
        ALERT 10.0 s: gate at 140 since 0.0 s (gate > 120 for 10s until 108)
        clear 40.0 s: gate at 100 since 25.0 s (gate > 120 for 10s until 108)
    """

    def __init__(
        self,
        zone: str,
        limit: float,
        *,
        above: bool = True,
        hold: float | str | None = None,
        until: float | None = None,
        per_square_meter: bool = False,
    ) -> None:
        if not (math.isfinite(limit) and limit >= 0):
            raise ArgumentError(f"limit: expected people >= 0, got {limit}")
        self.zone, self.limit, self.above, self.per_square_meter = zone, float(limit), above, per_square_meter
        self.hold = 0.0 if hold is None else parse_duration(hold, "hold")
        self.until = limit * (1 - _SLACK if above else 1 + _SLACK) if until is None else float(until)
        if (self.until > limit) if above else (self.until < limit):
            side = "below" if above else "above"
            raise ArgumentError(
                f"until: expected a value {side} the limit {limit:g}, got {self.until:g}; swap them"
            )
        self.raised = False
        self._since: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Alert":
        """Read an alert: ``ZONE > LIMIT[/m2] [for TIME] [until VALUE]``, or with ``<``.

        Raises:
            ArgumentError: If the text has another form.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise ArgumentError(
                f'alert: expected a form such as "gate > 120 for 10s" or "stairs > 4/m2 for 5s until 3", got {text!r}'
            )
        return cls(
            match["zone"],
            float(match["limit"]),
            above=match["sign"] == ">",
            hold=match["hold"],
            until=None if match["until"] is None else float(match["until"]),
            per_square_meter=match["unit"] is not None,
        )

    def update(self, time: float, value: float) -> AlertEvent | None:
        """Take in a value of the zone.

        Args:
            time: Seconds, later than those before.
            value: People, or people per square meter, or NaN where nothing is known.

        Returns:
            What has changed, or ``None``.
        """
        if math.isnan(value):
            self._since = None
            return None
        if self.raised:
            waiting = value <= self.until if self.above else value >= self.until
        else:
            waiting = value > self.limit if self.above else value < self.limit
        if not waiting:
            self._since = None
            return None
        since = self._since = time if self._since is None else self._since
        if time - since < self.hold - 1e-9:
            return None
        self.raised, self._since = not self.raised, None
        return AlertEvent(time, self.zone, self.raised, float(value), since, str(self))

    def __str__(self) -> str:
        unit = "/m2" if self.per_square_meter else ""
        hold = f" for {self.hold:g}s" if self.hold else ""
        return f"{self.zone} {'>' if self.above else '<'} {self.limit:g}{unit}{hold} until {self.until:g}"

    def __repr__(self) -> str:
        return f"Alert.parse({str(self)!r})"
