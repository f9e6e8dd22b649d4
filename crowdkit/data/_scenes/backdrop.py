"""The backdrop of a scene: sky, buildings, trees, ground."""

from random import Random

from PIL import Image

from crowdkit.data._scenes.brush import Brush, Color, mix, shade, vivid
from crowdkit.data._scenes.camera import Camera

_GROUNDS: tuple[Color, ...] = (
    (112, 112, 110), (84, 86, 90), (150, 142, 130), (176, 164, 140),
    (92, 116, 66), (128, 124, 84), (142, 110, 90), (196, 194, 190),
)  # fmt: skip
_SKIES: tuple[Color, ...] = (
    (170, 200, 230),
    (205, 214, 222),
    (120, 160, 210),
    (232, 214, 190),
    (60, 66, 90),
)


def cloud(rng: Random, size: tuple[int, int], cells: int) -> Image.Image:
    """Smooth random gray picture of ``size`` (width, height) with about ``cells`` blobs across."""
    rows = max(2, round(cells * size[1] / size[0]))
    seeds = Image.frombytes("L", (cells, rows), rng.randbytes(cells * rows))
    return seeds.resize(size, Image.Resampling.BICUBIC)


def gradient(size: tuple[int, int], top: Color, bottom: Color) -> Image.Image:
    """Vertical gradient of ``size`` (width, height)."""
    strip = Image.new("RGB", (1, 2))
    strip.putpixel((0, 0), top)
    strip.putpixel((0, 1), bottom)
    # The middle half of a two-pixel strip is the gradient; its ends are flat.
    return strip.resize(size, Image.Resampling.BILINEAR, box=(0, 0.5, 1, 1.5))


def draw_backdrop(canvas: Image.Image, rng: Random, camera: Camera, scale: int) -> Color:
    """Paint sky, buildings and ground; return the color of the ground."""
    brush = Brush(canvas, scale)
    ground = shade(rng.choice(_GROUNDS), rng.uniform(0.7, 1.15))
    line = max(0.0, camera.ground)
    split = min(canvas.height, round(line * scale))
    if split > 0:
        sky = rng.choice(_SKIES)
        canvas.paste(gradient((canvas.width, split), sky, mix(sky, (240, 236, 230), 0.6)), (0, 0))
        _skyline(brush, rng, camera, line)
    if split < canvas.height:
        lower = (canvas.width, canvas.height - split)
        canvas.paste(gradient(lower, mix(ground, (190, 190, 190), 0.3), shade(ground, 0.86)), (0, split))
        _ground(brush, rng, camera, ground)
    return ground


def _skyline(brush: Brush, rng: Random, camera: Camera, line: float) -> None:
    x = -rng.uniform(0, 0.2) * camera.width
    while x < camera.width:
        wide = camera.width * rng.uniform(0.12, 0.5)
        if rng.random() < 0.78:
            wall = mix(vivid(rng), (150, 140, 130), 0.6)
            roof = line * (1 - rng.uniform(0.45, 1.15))
            brush.rect(x, roof, x + wide, line, wall)
            brush.rect(x + 0.93 * wide, roof, x + wide, line, shade(wall, 0.8))
            brush.rect(x, line - 0.1 * (line - roof), x + wide, line, shade(wall, 0.72))
        x += wide


def _ground(brush: Brush, rng: Random, camera: Camera, ground: Color) -> None:
    line, seam = max(0.0, camera.ground), shade(ground, rng.choice((0.84, 0.9, 1.12)))
    # Lines that reach column x at the foot of the picture start here, on the far edge of the ground.
    share = (line - camera.horizon) / (camera.height - camera.horizon)

    def far(x: float) -> float:
        return camera.vanishing + (x - camera.vanishing) * share

    kind = rng.random()
    if kind < 0.4:  # paving: lines that meet at the vanishing point, rows that get closer towards it
        step = camera.width * rng.uniform(0.08, 0.2)
        x = -2.0 * camera.width
        while x < 3 * camera.width:
            brush.line(far(x), line, x, camera.height, 0.7, seam)
            x += step
        y, gap = line, max(2.0, 2.2 * camera.radius(camera.top))
        while y < camera.height:
            brush.line(0, y, camera.width, y, 0.7, seam)
            y += gap
            gap *= 1.22
    elif kind < 0.65:  # a road or carpet towards the vanishing point
        left, right = sorted((rng.uniform(-0.6, 1.2) * camera.width, rng.uniform(-0.2, 1.6) * camera.width))
        lane = mix(ground, vivid(rng), 0.4)
        edges = [(left, camera.height), (right, camera.height), (far(right), line), (far(left), line)]
        brush.polygon(edges, lane)
