"""What should a network draw where it is not sure? The best answer under each loss, as one picture.

    python benchmarks/best_answer.py --out docs/pictures/best-answer.png

With a probability, the certainty, there is one head, and else nobody. The network draws a share of the head's kernel.
The picture shows which share has the lowest expected loss. The count of graduated BSL is left out: over a whole image
it is nearly certain, which one head cannot show.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from crowdkit.losses import BSL, DensityMSELoss, GraduatedBSL
from crowdkit.targets import density_map

SHARES = torch.linspace(0, 1.1, 661)
CERTAINTIES = torch.linspace(0, 1, 401)
PLOT, LEFT, TOP, RIGHT, BOTTOM = 560, 90, 30, 350, 80

Loss = Callable[[Tensor, Tensor], Tensor]
_GRADUATED = GraduatedBSL(count_weight=0.0, reduction="none")
LINES: tuple[tuple[str, str, Loss], ...] = (
    ("squared error", "#888888", DensityMSELoss(reduction="none")),
    ("graduated BSL at the start", "#74c476", partial(_GRADUATED, progress=0.0)),
    ("after 25 %", "#2b8cbe", partial(_GRADUATED, progress=0.25)),
    ("after 40 %", "#54278f", partial(_GRADUATED, progress=0.4)),
    ("after 55 %", "#e6850e", partial(_GRADUATED, progress=0.55)),
    ("from 70 % on: BSL", "#cb181d", BSL(scales=5, reduction="none")),
)


def best_answers(loss: Loss, certainties: Tensor = CERTAINTIES) -> Tensor:
    """Find the share of a head with the lowest expected loss.

    Args:
        loss: A density loss with ``reduction="none"``.
        certainties: Probabilities that the head is there, any number of them.

    Returns:
        The share for each certainty.
    """
    head = density_map(torch.tensor([[48.0, 48.0]]), (96, 96), sigma=8.0)[None, None]
    drawn = SHARES.view(-1, 1, 1, 1) * head
    there, nobody = (loss(drawn, truth.expand_as(drawn).contiguous()) for truth in (head, 0 * head))
    expected = certainties[:, None] * there + (1 - certainties[:, None]) * nobody
    return SHARES[expected.argmin(dim=1)]


def draw(curves: Sequence[tuple[str, str, Tensor]], *, oversampled: int = 3) -> Image.Image:
    """Draw the curves and their names."""
    big = oversampled
    size = (LEFT + PLOT + RIGHT, TOP + PLOT + BOTTOM)
    picture = Image.new("RGB", (size[0] * big, size[1] * big), "white")
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(17 * big)

    def at(x: float, y: float) -> tuple[float, float]:
        return (LEFT + x * PLOT) * big, (TOP + (1.1 - y) / 1.1 * PLOT) * big

    def write(place: tuple[float, float], text: str, anchor: str, color: str = "black") -> None:
        pen.text(place, text, fill=color, font=font, anchor=anchor)

    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        pen.line([at(tick, 0), at(tick, 1.1)], fill="#e8e8e8", width=big)
        pen.line([at(0, tick), at(1, tick)], fill="#e8e8e8", width=big)
        x, y = at(tick, 0)
        write((x, y + 8 * big), f"{tick:g}", "ma")
        x, y = at(0, tick)
        write((x - 8 * big, y), f"{tick:g}", "rm")
    pen.line([at(0, 1.1), at(0, 0), at(1, 0)], fill="black", width=big)
    x, y = at(0.5, 0)
    write((x, y + 40 * big), "certainty that a head is there", "ma")
    write((8 * big, 14 * big), "best answer, in heads", "lm")
    for place, (name, color, answers) in enumerate(curves):
        points = [at(float(x), float(y)) for x, y in zip(CERTAINTIES, answers, strict=True)]
        pen.line(points, fill=color, width=3 * big, joint="curve")
        x, y = (LEFT + PLOT + 24) * big, (TOP + 90 + 34 * place) * big
        pen.line([(x, y), (x + 34 * big, y)], fill=color, width=3 * big)
        write((x + 44 * big, y), name, "lm")
    return picture.resize(size, Image.Resampling.LANCZOS)


def main(argv: Sequence[str] | None = None) -> list[tuple[str, float]]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="the picture")
    args = parser.parse_args(argv)
    curves = [(name, color, best_answers(loss)) for name, color, loss in LINES]
    draw(curves).quantize(64).save(args.out, optimize=True)
    speaks = []
    for name, _, answers in curves:
        first = CERTAINTIES[(answers >= 0.5).nonzero()[0, 0]]
        speaks.append((name, float(first)))
        print(f"{name:28s} draws half a head from a certainty of {first:.2f}")
    return speaks


if __name__ == "__main__":
    main()
