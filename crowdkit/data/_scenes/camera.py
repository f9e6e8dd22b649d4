"""The camera of a scene, and the positions of people in front of it."""

import math
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageDraw

_SMALLEST = 1.4  # pixels: a smaller head would be indistinguishable from noise
_SEEN = 0.35  # share of a head that must be visible, otherwise the person is left out


@dataclass(frozen=True, kw_only=True)
class Person:
    """One person: head at (x, y), its radius in pixels, and the height of the body below it."""

    x: float
    y: float
    radius: float
    body: float


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A camera above the crowd: the radius of a head grows linearly below the horizon.

    Attributes:
        height: Picture height in pixels.
        width: Picture width in pixels.
        horizon: Row where heads would have no size; may lie above the picture.
        slope: Head radius in pixels gained per row.
        top: First row where heads stand.
        tallness: Height of a body in head radii, shorter the steeper the camera looks down.
        vanishing: Column in which the lines of the ground meet.
    """

    height: int
    width: int
    horizon: float
    slope: float
    top: float
    tallness: float
    vanishing: float

    @classmethod
    def draw(cls, rng: Random, size: tuple[int, int], people: int) -> "Camera":
        """Draw a camera for a picture of ``size`` that can hold ``people``."""
        height, width = size
        room = math.sqrt(height * width / max(people, 1))
        near = min(height * rng.uniform(0.022, 0.062), max(0.5 * room, 1.6))
        far = max(_SMALLEST, near * rng.uniform(0.16, 0.75))
        near = max(near, far * 1.05)
        top = height * (rng.uniform(0.22, 0.5) if rng.random() < 0.75 else rng.uniform(-0.15, 0.05))
        slope = (near - far) / (height - top)
        return cls(
            height=height,
            width=width,
            horizon=top - far / slope,
            slope=slope,
            top=top,
            tallness=rng.uniform(4.5, 9.5) if top > 0.1 * height else rng.uniform(2.0, 5.0),
            vanishing=width * rng.uniform(0.1, 0.9),
        )

    def radius(self, y: float) -> float:
        """Radius of a head whose center is on row ``y``."""
        return max(_SMALLEST, self.slope * (y - self.horizon))

    def radius_at_foot(self, y: float) -> float:
        """Radius of the head of a person who stands on row ``y``."""
        reach = self.tallness * self.slope
        return self.radius((y + reach * self.horizon) / (1 + reach))

    @property
    def ground(self) -> float:
        """Row where the ground begins: the feet of the farthest people."""
        return self.top + self.tallness * self.radius(self.top)


def place_people(rng: Random, camera: Camera, people: int) -> list[Person]:
    """Place people, nearest last, each with a good part of the head visible.

    A person whose head would be hidden is moved elsewhere; in a very dense scene a few may find no place.
    """
    sample = _crowd(rng, camera)
    placed: list[Person] = []
    for _ in range(4):
        wanted = people - len(placed)
        if wanted <= 0:
            break
        placed += [_stand(rng, camera, *sample(rng)) for _ in range(wanted)]
        placed = in_sight(camera, placed)
    return placed


def _stand(rng: Random, camera: Camera, x: float, y: float) -> Person:
    radius = camera.radius(y) * rng.uniform(0.88, 1.12)
    return Person(x=x, y=y, radius=radius, body=camera.tallness * radius * rng.uniform(0.9, 1.1))


class _crowd:  # noqa: N801 - a closure with a name
    """The distribution of people in a scene: single people, clusters, and empty lanes."""

    def __init__(self, rng: Random, camera: Camera) -> None:
        self.camera = camera
        self.loners = rng.choice((0.08, 0.25, 0.6, 1.0))
        self.depth = rng.uniform(0.2, 0.9)  # 1: even on the ground; 0: even in the picture
        self.lanes = [
            (rng.uniform(-1.2, 1.2), rng.uniform(0.08, 0.3)) for _ in range(rng.choice((0, 1, 1, 2)))
        ]
        self.clusters = [(*self._anywhere(rng), rng.uniform(2.0, 9.0)) for _ in range(rng.randint(1, 5))]

    def _anywhere(self, rng: Random) -> tuple[float, float]:
        camera = self.camera
        first, last = max(camera.top, 0.6), camera.height - 0.6
        share = rng.random()
        if rng.random() < self.depth:
            near, far = 1 / (last - camera.horizon), 1 / (first - camera.horizon)
            y = camera.horizon + 1 / (far - share * (far - near))
        else:
            y = first + share * (last - first)
        return rng.uniform(0.6, camera.width - 0.6), y

    def __call__(self, rng: Random) -> tuple[float, float]:
        camera = self.camera
        x, y = camera.width / 2, camera.height / 2
        for _ in range(30):
            if rng.random() < self.loners:
                x, y = self._anywhere(rng)
            else:
                cx, cy, spread = rng.choice(self.clusters)
                spread *= camera.radius(cy)
                x, y = rng.gauss(cx, 2.2 * spread), rng.gauss(cy, spread)
            if not (0.6 <= x <= camera.width - 0.6 and max(camera.top, 0.6) <= y <= camera.height - 0.6):
                continue
            across = (x - camera.vanishing) / (y - camera.horizon) / camera.width * camera.height
            if not any(abs(across - middle) < half for middle, half in self.lanes):
                break
        else:
            x, y = self._anywhere(rng)
        return x, y


def in_sight(camera: Camera, people: list[Person], *, all_there: bool = False) -> list[Person]:
    """Keep the people, farthest first, whose heads remain visible behind nearer people.

    People who are not kept hide nobody, unless they are ``all_there``.
    """
    scale = 2
    mask = Image.new("L", (camera.width * scale, camera.height * scale))
    draw = ImageDraw.Draw(mask)
    kept = []
    for person in sorted(people, key=lambda each: each.y + each.body, reverse=True):
        x, y, r = person.x * scale, person.y * scale, person.radius * scale
        box = (round(x - r), round(y - r), round(x + r), round(y + r))
        left, top = (min(max(low, 0), end) for low, end in zip(box[:2], mask.size, strict=True))
        right, bottom = (min(max(high, 0), end) for high, end in zip(box[2:], mask.size, strict=True))
        window = mask.crop((left, top, right, bottom))
        free = window.histogram()[0] / max(window.width * window.height, 1)
        if free >= _SEEN:
            kept.append(person)
        elif not all_there:
            continue
        draw.ellipse(box, fill=255)
        hip = max(y + 1.2 * r, y + 0.55 * person.body * scale)
        draw.rectangle((x - 1.5 * r, y + 1.2 * r, x + 1.5 * r, hip), fill=255)
    return kept[::-1]
