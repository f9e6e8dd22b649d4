"""Objects that look like heads but are not: balls, balloons, lamps, bollards, bushes, stones, wheels."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from crowdkit.data._scenes.brush import HAIR, SKIN, Brush, Color, mix, shade, vivid
from crowdkit.data._scenes.camera import Camera, Person

_Draw = Callable[[Brush, Random, float, float, float], None]


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A piece of clutter standing on the ground at (x, foot), at the scale of heads of ``radius``."""

    x: float
    foot: float
    radius: float
    kind: str

    def draw(self, brush: Brush, rng: Random) -> None:
        """Draw it."""
        _KINDS[self.kind].draw(brush, rng, self.x, self.foot, self.radius)


def _color(rng: Random) -> Color:
    """Draw a color, mostly one that heads have, so that color alone does not identify a head."""
    share = rng.random()
    return rng.choice(HAIR) if share < 0.4 else rng.choice(SKIN) if share < 0.65 else vivid(rng)


def _bollard(brush: Brush, rng: Random, x: float, foot: float, r: float) -> None:
    color = _color(rng)
    brush.rect(x - 0.6 * r, foot - 5 * r, x + 0.6 * r, foot, shade(color, 0.8))
    brush.ball(x, foot - 5.4 * r, 0.95 * r, r, color)


def _lamp(brush: Brush, rng: Random, x: float, foot: float, r: float) -> None:
    pole = rng.choice(HAIR)
    top = foot - rng.uniform(15, 24) * r
    glass = rng.choice(((250, 244, 220), (214, 208, 200), (60, 54, 50)))
    brush.line(x, foot, x, top, 0.5 * r, pole)
    if rng.random() < 0.5:
        brush.line(x - 2.2 * r, top, x + 2.2 * r, top, 0.35 * r, pole)
        for side in (-2.2, 2.2):
            brush.ball(x + side * r, top, r, r, glass)
    brush.ball(x, top - r, 1.1 * r, 1.1 * r, glass)


def _sign(brush: Brush, rng: Random, x: float, foot: float, r: float) -> None:
    brush.line(x, foot, x, foot - 11 * r, 0.4 * r, (110, 110, 112))
    brush.disc(x, foot - 12 * r, 1.3 * r, 1.3 * r, vivid(rng))
    brush.disc(x, foot - 12 * r, 0.9 * r, 0.9 * r, (226, 222, 214))


def _balloons(brush: Brush, rng: Random, x: float, foot: float, r: float) -> None:
    for _ in range(rng.randint(3, 14)):
        bx, by = x + rng.gauss(0, 2.6) * r, foot - rng.uniform(9, 17) * r
        brush.line(x, foot - 4 * r, bx, by, 0.12 * r, (90, 90, 90))
        size = rng.uniform(0.8, 1.2) * r
        brush.ball(bx, by, 0.9 * size, size, vivid(rng) if rng.random() < 0.5 else _color(rng))


def _stall(brush: Brush, rng: Random, x: float, foot: float, r: float) -> None:
    """A table heaped with fruit, pots or balls."""
    half, top = rng.uniform(4, 9) * r, foot - 4 * r
    fruit = _color(rng)
    brush.rect(x - half, top, x + half, foot, mix(vivid(rng), (110, 80, 60), 0.5))
    for row in range(rng.randint(1, 3)):
        count = max(1, int(half / r) - row)
        for each in range(count):
            size = rng.uniform(0.8, 1.0) * r
            px = x + (2 * each - count + 1) * 0.95 * r
            tint = shade(fruit, rng.uniform(0.8, 1.2))
            brush.ball(px, top - (0.8 + 1.5 * row) * r, 0.95 * size, size, tint)


def _stones(brush: Brush, rng: Random, x: float, foot: float, r: float) -> None:
    stone = mix(rng.choice(SKIN + HAIR), (130, 126, 120), 0.5)
    for _ in range(rng.randint(4, 16)):
        px, py, size = x + rng.gauss(0, 4) * r, foot + rng.gauss(0, 1.6) * r, rng.uniform(0.6, 1.3) * r
        brush.disc(px + 0.1 * r, py + 0.35 * size, 1.05 * size, 0.7 * size, (40, 38, 36))
        brush.ball(px, py, size, 0.85 * size, shade(stone, rng.uniform(0.8, 1.2)))


def _bush(brush: Brush, rng: Random, x: float, foot: float, r: float) -> None:
    wide, high = rng.uniform(3, 7) * r, rng.uniform(3, 6) * r
    leaf = rng.choice(((58, 84, 40), (40, 62, 34), (96, 104, 52), (120, 84, 40), (34, 44, 30)))
    brush.disc(x, foot - 0.8 * high, wide, high, shade(leaf, 0.55))
    for _ in range(min(70, int(1.6 * wide * high / r**2) + 6)):
        angle, reach = rng.uniform(0, 2 * math.pi), math.sqrt(rng.random())
        size = rng.uniform(0.5, 1.0) * r
        px, py = x + wide * reach * math.cos(angle), foot - 0.8 * high + high * reach * math.sin(angle)
        brush.disc(px, py, size, 0.85 * size, shade(leaf, rng.uniform(0.6, 1.5)))


def _tree(brush: Brush, rng: Random, x: float, foot: float, r: float) -> None:
    brush.line(x, foot, x, foot - 12 * r, 1.3 * r, (62, 46, 34))
    _bush(brush, rng, x, foot - 9 * r, 1.5 * r)


def _car(brush: Brush, rng: Random, x: float, foot: float, r: float) -> None:
    paint = vivid(rng)
    brush.rect(x - 9 * r, foot - 5 * r, x + 9 * r, foot - 1.2 * r, paint)
    brush.polygon(
        [
            (x - 6 * r, foot - 5 * r),
            (x - 4 * r, foot - 8 * r),
            (x + 4 * r, foot - 8 * r),
            (x + 6.5 * r, foot - 5 * r),
        ],
        shade(paint, 0.9),
    )
    brush.polygon(
        [
            (x - 5 * r, foot - 5 * r),
            (x - 3.6 * r, foot - 7.5 * r),
            (x + 3.6 * r, foot - 7.5 * r),
            (x + 5.4 * r, foot - 5 * r),
        ],
        (56, 66, 76),
    )
    for side in (-5.5, 5.5):
        brush.disc(x + side * r, foot - 1.4 * r, 1.7 * r, 1.7 * r, (24, 24, 26))
        brush.disc(x + side * r, foot - 1.4 * r, 0.8 * r, 0.8 * r, (150, 150, 152))


def _poster(brush: Brush, rng: Random, x: float, foot: float, r: float) -> None:
    """A board with a pattern of dots."""
    half, paper = rng.uniform(4, 8) * r, mix(vivid(rng), (235, 230, 220), 0.6)
    brush.rect(x - half, foot - 12 * r, x + half, foot - 3 * r, paper)
    for side in (-0.8, 0.8):
        brush.line(x + side * half, foot, x + side * half, foot - 3 * r, 0.4 * r, (70, 66, 62))
    dot, step = _color(rng), rng.uniform(2.2, 3.4) * r
    y = foot - 12 * r + 0.6 * step
    while y < foot - 3.6 * r:
        px = x - half + 0.6 * step
        while px < x + half - 0.4 * step:
            brush.disc(px, y, 0.85 * r, 0.9 * r, dot)
            px += step
        y += step


def _facade(brush: Brush, rng: Random, x: float, foot: float, r: float) -> None:
    """Rows of round or arched windows, as on a wall behind the crowd."""
    glass, step = rng.choice(((44, 50, 60), (90, 100, 112), (226, 206, 160))), rng.uniform(3.0, 5.0) * r
    rows, wall = rng.randint(1, 4), mix(vivid(rng), (150, 140, 130), 0.7)
    brush.rect(x - 3.5 * step, foot - (1.5 + 4.5 * rows) * r, x + 3.5 * step, foot, wall)
    for row in range(rows):
        for column in range(-3, 4):
            px, py = x + column * step, foot - (4 + row * 4.5) * r
            brush.disc(px, py, 1.1 * r, 1.1 * r, glass)
            if step > 3.8 * r:
                brush.rect(px - 1.1 * r, py, px + 1.1 * r, py + 1.6 * r, glass)


def _parasol(brush: Brush, rng: Random, x: float, foot: float, r: float) -> None:
    cloth = vivid(rng)
    brush.line(x, foot, x, foot - 12 * r, 0.4 * r, (90, 80, 70))
    brush.cap(x, foot - 10 * r, 5 * r, 4 * r, cloth, (180, 360))
    brush.cap(x, foot - 10 * r, 2.4 * r, 4 * r, shade(cloth, 1.25), (180, 360))


@dataclass(frozen=True)
class _Kind:
    draw: _Draw
    box: tuple[float, float, float]  # half width, height above the foot, depth below it, in head radii
    weight: float = 1.0
    far: bool = False  # only at the far edge of the ground


_KINDS: dict[str, _Kind] = {
    "bollard": _Kind(_bollard, (1.1, 6.5, 0), 2.2),
    "lamp": _Kind(_lamp, (3.4, 26, 0)),
    "sign": _Kind(_sign, (1.4, 13.4, 0), 0.6),
    "balloons": _Kind(_balloons, (8, 18.5, 0), 1.3),
    "stall": _Kind(_stall, (9, 9, 0), 1.3),
    "stones": _Kind(_stones, (10, 5, 5), 1.4),
    "bush": _Kind(_bush, (7, 11, 1), 1.4),
    "tree": _Kind(_tree, (10.5, 26, 0), 0.9, far=True),
    "car": _Kind(_car, (9.2, 8.2, 0.4), 0.8),
    "poster": _Kind(_poster, (8, 12.2, 0), 0.8),
    "facade": _Kind(_facade, (17.5, 20, 0), 2.0, far=True),
    "parasol": _Kind(_parasol, (5, 14.2, 0), 0.6),
}


def place_clutter(rng: Random, camera: Camera, people: Sequence[Person]) -> list[Thing]:
    """Place clutter so that it covers no annotated head.

    The people are placed first and never moved: a scene has the same heads with and without clutter.
    """
    names, weights = list(_KINDS), [kind.weight for kind in _KINDS.values()]
    # A scene has many pieces of a few kinds of clutter, as a street has.
    chosen = [rng.choices(names, weights)[0] for _ in range(rng.randint(2, 5))]
    things = []
    line = max(camera.ground, 0.0)
    for _ in range(rng.randint(12, 40)):
        name = rng.choice(chosen)
        kind = _KINDS[name]
        foot = line + rng.random() ** 1.5 * (1.08 * camera.height - line)
        if kind.far:
            foot = line + rng.uniform(0, 0.04) * camera.height
        radius = camera.radius_at_foot(foot) * rng.uniform(0.85, 1.2)
        x = rng.uniform(-0.02, 1.02) * camera.width
        half, above, below = (each * radius for each in kind.box)
        covered = any(
            abs(person.x - x) < half + person.radius
            and foot - above - person.radius < person.y < foot + below + person.radius
            and person.y + person.body < foot
            for person in people
        )
        if not covered:
            things.append(Thing(x=x, foot=foot, radius=radius, kind=name))
    return things
