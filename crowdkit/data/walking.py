"""Drawn people who walk: clips with exact heads, places on the ground and identities."""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import torch
from torch import Tensor

from crowdkit.data._scenes import Camera, Gait, Person, Stage, in_sight
from crowdkit.data._scenes.paths import Trips, Walker
from crowdkit.errors import ArgumentError

_HEAD, _TALL = 0.14, 1.55  # meters: radius of a head with its hair, and height of its middle


class Walkers(NamedTuple):
    """The people in the picture at a moment.

    Attributes:
        points: Middles of their heads (x, y) on the canvas, shape (N, 2), float32.
        ground: Where they stand, in meters: x to the right of the camera, y before it, shape (N, 2), float32.
        identities: Who they are, shape (N,), int64; a person who leaves does not come back.
        seen: Whether a third of the head is in sight of the camera, at least, shape (N,), bool.
    """

    points: Tensor
    ground: Tensor
    identities: Tensor
    seen: Tensor


class WalkingCrowd:
    """Drawn people who walk across a square, the moving sibling of :class:`SyntheticCrowd`.

    Any moment can be asked for, in any order; it depends on ``seed``, ``size``, ``people``, ``period`` and
    ``camera_height`` alone. People keep their looks, walk in step with their speed, alone or in groups, hide each
    other, and enter and leave at the borders. Their number swells from the fewest to the most and back; both are means
    around which it varies. The pixels are drawn by Pillow, as those of :class:`SyntheticCrowd` are.

    The camera is a pinhole whose picture plane stands upright: x = W/2 + f X / Y, y = horizon + f (h - z) / Y.

    Args:
        size: Height and width of the picture in pixels, at least 64 each.
        people: Fewest and most people, on average, at the two ends of a period.
        period: Seconds from the fewest people to the fewest; at time 0 there are fewest.
        camera_height: Height of the camera above the ground, in meters, at least 3. Higher cameras hide fewer heads.
        seed: Names the crowd and the place.

    Attributes:
        canvas: Height and width.
        camera: Place (x, y) and height of the camera in meters.

    Raises:
        ArgumentError: If a number is out of range.

    Examples:
        >>> crowd = WalkingCrowd(size=(120, 160), people=(10, 30))
        >>> walkers = crowd.at(12.5)
        >>> tuple(crowd.frame(12.5).shape), len(walkers.points) == len(walkers.identities)
        ((3, 120, 160), True)
    """

    def __init__(
        self,
        *,
        size: tuple[int, int] = (360, 640),
        people: tuple[int, int] = (20, 60),
        period: float = 120.0,
        camera_height: float = 6.0,
        seed: int = 0,
    ) -> None:
        if len(size) != 2 or min(size) < 64:
            raise ArgumentError(f"size: expected (height, width) of at least 64 pixels, got {size}")
        if len(people) != 2 or not 0 <= people[0] <= people[1]:
            raise ArgumentError(f"people: expected (fewest, most) with 0 <= fewest <= most, got {people}")
        if not (math.isfinite(period) and period > 0):
            raise ArgumentError(f"period: expected seconds > 0, got {period}")
        if not (math.isfinite(camera_height) and camera_height >= 3):
            raise ArgumentError(f"camera_height: expected at least 3 meters, got {camera_height}")
        height, width = self.canvas = (int(size[0]), int(size[1]))
        self.people, self.period, self.seed = (int(people[0]), int(people[1])), period, seed
        self.camera = (0.0, 0.0, float(camera_height))
        self._focal, self._horizon = 1.9 * height, 0.14 * height
        near, far = (
            self._focal * (camera_height - _TALL) / (row - self._horizon)
            for row in (1.1 * height, 0.3 * height)
        )
        self._far = far
        slope = _HEAD / (camera_height - _TALL)
        self._view = Camera(
            height=height,
            width=width,
            horizon=self._horizon,
            slope=slope,
            top=0.3 * height,
            tallness=_TALL / _HEAD,
            vanishing=width / 2,
        )
        self._trips = Trips(f"walkers/{seed}", (width / 2 / self._focal, near, far), self.people, period)
        self._stage: Stage | None = None

    def at(self, time: float) -> Walkers:
        """Return the people in the picture at a time in seconds, without drawing them, nearest last."""
        found = self._walkers(time)
        people = [person for _, person, _ in found]
        kept = {id(person) for person in in_sight(self._view, people, all_there=True)}
        height, width = self.canvas
        here = [
            (walker, person)
            for walker, person, _ in found
            if 0 <= person.x < width and 0 <= person.y < height
        ]
        return Walkers(
            torch.tensor([(person.x, person.y) for _, person in here], dtype=torch.float32).reshape(-1, 2),
            torch.tensor([walker.at(time) for walker, _ in here], dtype=torch.float32).reshape(-1, 2),
            torch.tensor([walker.identity for walker, _ in here], dtype=torch.int64),
            torch.tensor([id(person) in kept for _, person in here], dtype=torch.bool),
        )

    def frame(self, time: float) -> Tensor:
        """Draw a moment: shape (3, H, W), float32 RGB in [0, 1]."""
        if self._stage is None:
            self._stage = Stage(f"walkers/{self.seed}", self._view)
        drawn = [(str(walker.identity), person, gait) for walker, person, gait in self._walkers(time)]
        pixels = torch.from_numpy(self._stage.photograph(drawn, f"{time:.6f}"))
        return pixels.permute(2, 0, 1).to(torch.float32).div_(255).contiguous()

    def frames(
        self, seconds: float, *, rate: float = 25.0, start: float = 0.0
    ) -> Iterator[tuple[float, Tensor]]:
        """Draw a clip, frame by frame, with the time of each in seconds from its start."""
        step = 1 / Fraction(rate).limit_denominator(1001)
        for index in range(math.ceil(seconds / step)):
            yield float(index * step), self.frame(start + float(index * step))

    def homography(self, *, height: float = 0.0) -> Tensor:
        """Return the map from pixels to meters on a plane at a height, shape (3, 3), float64.

        Args:
            height: Height of the plane in meters: 0 for feet, 1.55 for the middle of heads, on average.
        """
        rise = self.camera[2] - height
        middle = self.canvas[1] / 2
        return torch.tensor(
            [[rise, 0.0, -rise * middle], [0.0, 0.0, self._focal * rise], [0.0, 1.0, -self._horizon]],
            dtype=torch.float64,
        )

    def _walkers(self, time: float) -> list[tuple[Walker, Person, Gait]]:
        """Everybody of whom something may be in the picture, farthest first."""
        height, width = self.canvas
        found = []
        for walker in self._trips.walkers(time):
            x, y = walker.at(time)
            if not 0.5 < y <= self._far:
                continue
            scale = self._focal / y
            person = Person(
                x=width / 2 + scale * x,
                y=self._horizon + scale * (self.camera[2] - walker.tall),
                radius=scale * walker.head,
                body=scale * walker.tall,
            )
            reach = 4 * person.radius
            if -reach < person.x < width + reach and person.y < height + reach:
                gait = Gait(
                    across=math.cos(walker.heading),
                    towards=-math.sin(walker.heading),
                    swing=walker.swing(time),
                )
                found.append((walker, person, gait))
        return sorted(found, key=lambda each: (each[1].y + each[1].body, each[0].identity))
