"""Who walks where at which time: trips across a ground, each known from its name alone."""

import math
from dataclasses import dataclass
from random import Random

_LONGEST = 4  # people who walk together
_SPEEDS = (1.0, 1.5)  # meters a second


@dataclass(frozen=True, kw_only=True)
class Walker:
    """One person on a trip; the path is a straight line with a slight sway.

    Attributes:
        identity: The person's number.
        x: Place on the ground in the middle of the trip, in meters to the right of the camera.
        y: The same, in meters before the camera.
        heading: Direction of the walk in radians, 0 to the right, a quarter turn away from the camera.
        speed: Meters a second.
        middle: When the person is at (x, y), in seconds.
        tall: Height of the middle of the head in meters.
        head: Radius of the head in meters.
        phase: Where in a step the person is then, in radians.
    """

    identity: int
    x: float
    y: float
    heading: float
    speed: float
    middle: float
    tall: float
    head: float
    phase: float

    def at(self, time: float) -> tuple[float, float]:
        """Place on the ground at a time, in meters."""
        way = self.speed * (time - self.middle)
        sway = 0.12 * math.sin(0.6 * way + self.phase)
        across, ahead = math.cos(self.heading), math.sin(self.heading)
        return self.x + way * across - sway * ahead, self.y + way * ahead + sway * across

    def swing(self, time: float) -> float:
        """Where the legs are between their ends at a time, -1 to 1; a step is 0.7 meters."""
        return math.sin(math.pi * self.speed * (time - self.middle) / 0.7 + self.phase)


class Trips:
    """Trips that follow each other in slots of time, so that any moment is known without those before it.

    Args:
        key: Names the crowd.
        ground: Half width to the right at one meter's distance, nearest and farthest place, in meters.
        people: Fewest and most people on the ground.
        period: Seconds from the most people to the most people.
    """

    def __init__(
        self, key: str, ground: tuple[float, float, float], people: tuple[int, int], period: float
    ) -> None:
        self.key, self.ground, self.people, self.period = key, ground, people, period
        self._known: dict[tuple[int, int], list[Walker]] = {}
        rng = Random(f"{key}/flow")  # noqa: S311
        self.flow, self.spread = rng.uniform(0, math.pi), rng.uniform(0.15, 0.6)
        half, _, far = ground
        # Both ends of a trip lie outside, wherever its middle: nobody appears in the picture out of nothing.
        self.span = 2 * math.hypot(far, 2 * half * far) / _SPEEDS[0]
        self.slots = 1
        # How many people a trip shows on average at any of its times; 0.618 spreads the times evenly.
        shown = [
            self._inside(walker.at((n + n * 0.618034 % 1) * self.span))
            for n in range(400)
            for walker in self._trip(0, n)
        ]
        self.slots = math.ceil(people[1] * 400 / sum(shown))
        self._known.clear()

    def walkers(self, time: float) -> list[Walker]:
        """Everybody who is on a trip at a time, in the picture or not."""
        found = []
        for slot in range(self.slots):
            # Slots change one after the other.
            number = math.floor(time / self.span - slot / self.slots)
            wanted = (number + 0.5 + slot / self.slots) * self.span
            low, high = self.people
            swell = 0.5 - 0.5 * math.cos(2 * math.pi * wanted / self.period)
            if (slot * 0.618034) % 1 * high < low + (high - low) * swell:
                found += self._trip(slot, number)
        return found

    def _trip(self, slot: int, number: int) -> list[Walker]:
        if len(self._known) > 4 * self.slots + 1000:
            self._known.clear()
        if (slot, number) not in self._known:
            self._known[slot, number] = self._draw(slot, number)
        return self._known[slot, number]

    def _inside(self, place: tuple[float, float]) -> bool:
        half, near, far = self.ground
        return near <= place[1] <= far and abs(place[0]) <= half * place[1]

    def _draw(self, slot: int, number: int) -> list[Walker]:
        rng = Random(f"{self.key}/trip/{slot}/{number}")  # noqa: S311
        half, near, far = self.ground
        y = math.sqrt(rng.uniform(near**2, far**2))  # even on the ground, which widens with the distance
        x = rng.uniform(-half, half) * y
        heading = self.flow + rng.gauss(0, self.spread) + rng.choice((0, math.pi))
        speed, middle = rng.uniform(*_SPEEDS), (number + 0.5 + slot / max(self.slots, 1)) * self.span
        walkers = []
        for member in range(rng.choices(range(1, _LONGEST + 1), (12, 6, 2, 1))[0]):
            side, behind = 0.75 * ((member + 1) // 2) * (-1) ** member, rng.uniform(-0.3, 0.3)
            walkers.append(
                Walker(
                    identity=((number + 2**20) * 2**16 + slot) * _LONGEST + member,
                    x=x - side * math.sin(heading) + behind * math.cos(heading),
                    y=y + side * math.cos(heading) + behind * math.sin(heading),
                    heading=heading,
                    speed=speed,
                    middle=middle,
                    tall=rng.uniform(1.42, 1.68),
                    head=rng.uniform(0.125, 0.15),
                    phase=rng.uniform(0, 2 * math.pi),
                )
            )
        return walkers
