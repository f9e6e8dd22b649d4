"""A place that stays while people walk through it."""

from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from crowdkit.data._scenes.backdrop import draw_backdrop
from crowdkit.data._scenes.brush import Brush
from crowdkit.data._scenes.camera import Camera, Person
from crowdkit.data._scenes.clutter import place_clutter
from crowdkit.data._scenes.people import Gait, draw_walker
from crowdkit.data._scenes.render import SCALE, photograph, shadows, texture


class Stage:
    """Backdrop, ground, and clutter along the far edge of it, drawn once; people are drawn over a copy.

    Args:
        key: Names the place.
        camera: The camera.
    """

    def __init__(self, key: str, camera: Camera) -> None:
        self.key = key
        backdrop, things = (Random(f"{key}/{layer}") for layer in ("backdrop", "clutter"))  # noqa: S311
        self._canvas = Image.new("RGB", (camera.width * SCALE, camera.height * SCALE))
        draw_backdrop(self._canvas, backdrop, camera, SCALE)
        texture(self._canvas, backdrop)
        self.light = backdrop.choice((-1.0, 1.0))
        # Only what stands behind everybody: it never hides a head.
        edge = max(camera.ground, 0.0) + 0.03 * camera.height
        far = [thing for thing in place_clutter(things, camera, []) if thing.foot < edge]
        shadows(self._canvas, [], far, self.light)
        brush = Brush(self._canvas, SCALE, self.light)
        for thing in sorted(far, key=lambda each: each.foot):
            thing.draw(brush, things)

    def photograph(self, people: Sequence[tuple[str, Person, Gait]], moment: str) -> NDArray[np.uint8]:
        """Draw people, each with a name for its looks, as ``(H, W, 3)`` uint8; ``moment`` seeds the noise."""
        canvas = self._canvas.copy()
        shadows(canvas, [person for _, person, _ in people], [], self.light)
        brush = Brush(canvas, SCALE, self.light)
        for name, person, gait in sorted(people, key=lambda each: (each[1].y + each[1].body, each[0])):
            draw_walker(brush, f"{self.key}/{name}", person, gait)
        lens, grain = Random(f"{self.key}/lens"), Random(f"{self.key}/grain/{moment}")  # noqa: S311
        return photograph(canvas.reduce(SCALE), lens, grain=grain)
