"""Compose a scene and render it as a photograph."""

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from crowdkit.data._scenes.backdrop import cloud, draw_backdrop
from crowdkit.data._scenes.brush import Brush
from crowdkit.data._scenes.camera import Camera, Person
from crowdkit.data._scenes.clutter import Thing, place_clutter
from crowdkit.data._scenes.people import draw_person

SCALE = 3  # canvas pixels per pixel: smooth outlines for heads of three pixels


def render(key: str, camera: Camera, people: Sequence[Person], *, clutter: bool) -> NDArray[np.uint8]:
    """Draw the scene named ``key`` as ``(H, W, 3)`` uint8.

    Each layer has its own generator, so that leaving the clutter out changes nothing else.
    """
    # Random(str) hashes with SHA-512: the same numbers on every machine and in every supported Python.
    backdrop, actors, stage, lens = (
        Random(f"{key}/{layer}")  # noqa: S311 - a picture, not a secret
        for layer in ("backdrop", "people", "clutter", "lens")
    )
    canvas = Image.new("RGB", (camera.width * SCALE, camera.height * SCALE))
    draw_backdrop(canvas, backdrop, camera, SCALE)
    texture(canvas, backdrop)
    light = backdrop.choice((-1.0, 1.0))
    things = place_clutter(stage, camera, people) if clutter else []
    shadows(canvas, people, things, light)
    brush = Brush(canvas, SCALE, light)
    standing = [(person.y + person.body, 1, n) for n, person in enumerate(people)]
    standing += [(thing.foot, 0, n) for n, thing in enumerate(things)]
    for _, is_person, n in sorted(standing):
        if is_person:
            draw_person(brush, actors, people[n])
        else:
            things[n].draw(brush, stage)
    return photograph(canvas.reduce(SCALE), lens)


def texture(canvas: Image.Image, rng: Random) -> None:
    """Add texture to walls and ground at several scales, before people are drawn on them."""
    grain = Image.blend(
        cloud(rng, canvas.size, rng.choice((5, 9))), cloud(rng, canvas.size, rng.choice((40, 110))), 0.5
    )
    strength = rng.uniform(0.1, 0.45)
    darkness = grain.point([round(strength * (255 - level)) for level in range(256)])
    canvas.paste(Image.new("RGB", canvas.size), mask=darkness)


def shadows(canvas: Image.Image, people: Sequence[Person], things: Sequence[Thing], light: float) -> None:
    """Darken the ground under people and things."""
    brush = Brush(canvas, SCALE, light, transparent=True)
    for person in people:
        r = person.radius
        brush.disc(person.x - 1.2 * light * r, person.y + person.body, 2.4 * r, 0.7 * r, (0, 0, 0, 80))
    for thing in things:
        brush.disc(
            thing.x - light * thing.radius, thing.foot, 2.6 * thing.radius, 0.6 * thing.radius, (0, 0, 0, 70)
        )


def photograph(scene: Image.Image, rng: Random, *, grain: Random | None = None) -> NDArray[np.uint8]:
    """Add the effects of a camera: uneven light, a color cast, exposure, blur, noise, sometimes grayscale.

    The noise comes from ``grain``, so that the frames of one camera differ in it alone.
    """
    if rng.random() < 0.35:
        scene = scene.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.8)))
    width, height = scene.size
    pixels: NDArray[Any] = np.asarray(scene, dtype=np.float32)
    uneven = np.asarray(cloud(rng, scene.size, 3), dtype=np.float32)[..., None] / 255
    pixels = pixels * (1 + rng.uniform(0, 0.5) * (uneven - 0.5))
    cast = np.array([rng.uniform(0.9, 1.1) for _ in range(3)], dtype=np.float32)
    gain, contrast = rng.uniform(0.7, 1.2), rng.uniform(0.75, 1.15)
    pixels = (pixels * (gain * cast) - 118) * contrast + 118
    if rng.random() < 0.1:
        gray = pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        pixels = np.repeat(gray[..., None], 3, axis=-1)
    noise = np.frombuffer((grain or rng).randbytes(height * width * 3), dtype=np.uint8).reshape(
        height, width, 3
    )
    pixels = pixels + rng.uniform(0, 0.07) * (noise.astype(np.float32) - 127.5)
    photograph: NDArray[np.uint8] = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    return photograph
