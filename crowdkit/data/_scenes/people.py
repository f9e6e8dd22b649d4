"""One person: legs, torso, arms, head, hair, sometimes a hat."""

from dataclasses import dataclass
from random import Random

from crowdkit.data._scenes.brush import HAIR, SKIN, Brush, Color, clothes, shade, vivid
from crowdkit.data._scenes.camera import Person


def draw_person(brush: Brush, rng: Random, person: Person) -> None:
    """Draw a person whose head is the ellipse around (x, y)."""
    x, y, r = person.x, person.y, person.radius
    foot = y + person.body
    skin, hair, coat, trousers = rng.choice(SKIN), rng.choice(HAIR), clothes(rng), clothes(rng)
    neck, hip = y + 0.9 * r, y + 0.55 * person.body
    half = r * rng.uniform(1.35, 1.75)
    lean = rng.uniform(-0.25, 0.25) * r

    step = rng.uniform(0.1, 0.75) * r if foot - hip > 0.5 else 0.0
    hem = 0.86 if rng.random() < 0.7 else 1.1
    feet = ((x - 0.35 * r - step + lean, foot), (x + 0.35 * r + step + lean, foot))
    _body(brush, person, coat, trousers, half=half, lean=lean, hem=hem, feet=feet)
    if r > 2.2:
        _arms(brush, rng, person, half, hip, coat if rng.random() < 0.7 else skin)
    brush.rect(x - 0.38 * r, y + 0.6 * r, x + 0.38 * r, neck + 0.35 * r, shade(skin, 0.8))
    _head(brush, rng, x, y, r, skin, hair)


def _body(
    brush: Brush,
    person: Person,
    coat: Color,
    trousers: Color,
    *,
    half: float,
    lean: float,
    hem: float,
    feet: tuple[tuple[float, float], tuple[float, float]],
) -> None:
    """Draw legs and torso: ``half`` as wide as the shoulders, ``hem`` times as wide at the hip."""
    x, r = person.x, person.radius
    neck, hip = person.y + 0.9 * r, person.y + 0.55 * person.body
    if person.y + person.body - hip > 0.5:
        brush.line(x - 0.45 * r, hip - r, *feet[0], 0.8 * r, trousers)
        brush.line(x + 0.45 * r, hip - r, *feet[1], 0.8 * r, shade(trousers, 0.82))
    brush.disc(x + lean / 2, neck + 0.95 * r, half, 0.95 * r, shade(coat, 1.05))
    torso = [
        (x - half, neck + 0.85 * r),
        (x + half, neck + 0.85 * r),
        (x + hem * half + lean, hip),
        (x - hem * half + lean, hip),
    ]
    brush.polygon(torso, coat)
    side = -brush.light * half
    brush.polygon(
        [
            (x + side, neck + 0.8 * r),
            (x + 0.5 * side, neck + 0.8 * r),
            (x + 0.5 * side + lean, hip),
            (x + hem * side + lean, hip),
        ],
        shade(coat, 0.72),
    )


@dataclass(frozen=True, kw_only=True)
class Gait:
    """How somebody walks at a moment.

    Attributes:
        across: Share of the way that goes to the right of the picture, -1 to 1.
        towards: Share of the way that comes towards the camera, -1 to 1.
        swing: Where legs and arms are between their ends, -1 to 1.
    """

    across: float
    towards: float
    swing: float


def draw_walker(brush: Brush, key: str, person: Person, gait: Gait) -> None:
    """Draw a person in motion whose looks follow from ``key`` alone, at any size."""
    rng = Random(key)  # noqa: S311 - a picture, not a secret
    skin, hair, coat, trousers = rng.choice(SKIN), rng.choice(HAIR), clothes(rng), clothes(rng)
    r, foot, hip = person.radius, person.y + person.body, person.y + 0.55 * person.body
    half, hem = r * rng.uniform(1.35, 1.75), 0.86 if rng.random() < 0.7 else 1.1
    sleeve = shade(coat if rng.random() < 0.7 else skin, 0.9)
    step, rise = 2.0 * r * gait.across * gait.swing, 0.7 * r * gait.towards * gait.swing
    feet = ((person.x - 0.4 * r + step, foot + rise), (person.x + 0.4 * r - step, foot - rise))
    _body(brush, person, coat, trousers, half=half, lean=0.0, hem=hem, feet=feet)
    if r > 1.6:
        for side in (-1, 1):
            ahead = -side * gait.swing
            hand = (
                person.x + side * (half + 0.15 * r) - ahead * 1.1 * r * gait.across,
                hip - (0.5 - 0.5 * ahead) * r,
            )
            brush.line(person.x + side * 0.9 * half, person.y + 1.9 * r, *hand, 0.44 * r, sleeve)
    brush.rect(
        person.x - 0.38 * r, person.y + 0.6 * r, person.x + 0.38 * r, person.y + 1.25 * r, shade(skin, 0.8)
    )
    _head(brush, rng, person.x, person.y, r, skin, hair, behind=gait.towards < 0)


def _arms(
    brush: Brush, rng: Random, person: Person, half: float, hip: float, sleeve: tuple[int, int, int]
) -> None:
    x, shoulder, r = person.x, person.y + 1.9 * person.radius, person.radius
    for side in (-1, 1):
        if rng.random() < 0.12:
            hand = (x + side * (half + 0.5 * r), person.y - rng.uniform(0.5, 1.5) * r)
        else:
            hand = (x + side * (half + rng.uniform(0, 0.5) * r), hip - rng.uniform(0, 1) * r)
        brush.line(x + side * 0.9 * half, shoulder, *hand, 0.44 * r, shade(sleeve, 0.9))


def _head(
    brush: Brush,
    rng: Random,
    x: float,
    y: float,
    r: float,
    skin: tuple[int, int, int],
    hair: tuple[int, int, int],
    *,
    behind: bool | None = None,
) -> None:
    rx, ry = 0.86 * r, r
    look = rng.random()
    if behind is not None:
        look = 0.3 if behind else 0.42 + 0.58 * look
    if look < 0.42:  # seen from behind
        brush.ball(x, y, rx, ry, hair)
    elif look < 0.5:  # bald or shaven
        brush.ball(x, y, rx, ry, skin)
    else:
        turn = rng.uniform(-35, 35)
        brush.ball(x, y, rx, ry, skin)
        brush.cap(x, y - 0.04 * r, rx * 1.04, ry * 1.04, hair, (180 + turn, 360 + turn))
        if r > 4.5 and abs(turn) < 25:
            for side in (-0.36, 0.36):
                brush.disc(
                    x + side * rx - turn / 60 * rx, y + 0.18 * r, 0.11 * r, 0.09 * r, shade(skin, 0.35)
                )
            brush.line(
                x - 0.2 * rx - turn / 60 * rx,
                y + 0.6 * r,
                x + 0.2 * rx - turn / 60 * rx,
                y + 0.6 * r,
                0.08 * r,
                shade(skin, 0.55),
            )
    dress = rng.random()
    if dress < 0.1:  # a cap or a hat
        color = vivid(rng)
        brush.cap(x, y - 0.15 * r, rx * 1.08, ry * 1.0, color, (180, 360))
        brush.disc(x, y - 0.2 * r, rx * rng.uniform(1.1, 1.6), 0.16 * r, shade(color, 0.8))
    elif dress < 0.15:  # a scarf or hood
        color = clothes(rng)
        brush.ball(x, y, rx * 1.1, ry * 1.06, color)
        if look >= 0.42:
            brush.disc(x, y + 0.12 * r, 0.6 * rx, 0.66 * ry, skin)
