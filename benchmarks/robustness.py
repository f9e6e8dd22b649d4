"""Does a model generalize to pictures unlike its training images? Validation figures under changes, as Markdown.

    python benchmarks/robustness.py runs/shanghaitech_lite --root DATA/ShanghaiTech
    python benchmarks/robustness.py shanghaitech --root DATA/ShanghaiTech --json robustness.json --precision bfloat16

The model is the folder of a run or a model, or the name of bundled weights. Every image is a *validation* image: a
tenth of the training images, as ``crowdkit train`` splits them. It prints three tables:

- the images unchanged, gray, at half and double size, as JPEG of quality 20 and blurred;
- a few of them at widths from 300 to 4,000 pixels;
- the mean count on images without people: headless windows of the validation images, and synthetic clutter drawn
  with another seed than that of the training and its validation. The correct answer is 0.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import torch

from crowdkit.counting import open_model
from crowdkit.data import (
    Blur,
    Compose,
    CrowdData,
    EmptyScenes,
    GaussianSigma,
    Grayscale,
    JPEGCompression,
    Sample,
    Subset,
    resize,
)
from crowdkit.evaluation import Result, evaluate
from crowdkit.models import CrowdModel
from crowdkit.training import DataConfig, open_splits

COLUMNS = {"mae": 2, "rmse": 2, "nae": 3, "ssim": 3, "psnr": 2, "background_ratio": 3}
HEADINGS = ("MAE", "RMSE", "NAE", "SSIM", "PSNR", "r_bg", "bias")
SCENES_SEED = 1  # held-out images without people that no validation of a training has counted (its seed is 0)

Change = Callable[..., Sample]


def changed(kind: type, **drawn: float) -> Change:
    """Return a transform that applies a photometric one at one strength to every image."""
    change = kind(1.0).change

    def apply(sample: Sample, generator: torch.Generator | None = None) -> Sample:
        return sample._replace(image=change(sample.image, drawn, generator).clamp(0, 1))

    return apply


def scaled(factor: float) -> Change:
    """Return a transform that magnifies by a factor."""

    def apply(sample: Sample, generator: torch.Generator | None = None) -> Sample:  # noqa: ARG001
        height, width = (max(1, round(side * factor)) for side in sample.image.shape[-2:])
        return resize(sample, (height, width))

    return apply


def of_width(width: int) -> Change:
    """Return a transform that magnifies to a width."""

    def apply(sample: Sample, generator: torch.Generator | None = None) -> Sample:
        return scaled(width / sample.image.shape[-1])(sample, generator)

    return apply


CONDITIONS: dict[str, Change] = {
    "as they are": Compose([]),
    "gray": changed(Grayscale),
    "half size": scaled(0.5),
    "double size": scaled(2.0),
    "JPEG quality 20": changed(JPEGCompression, quality=20),
    "blurred, sigma 2 px": changed(Blur, sigma=2.0),
}
WIDTHS = (300, 600, 1000, 2000, 4000)


def measure(model: CrowdModel, images: CrowdData, change: Change, args: argparse.Namespace) -> Result:
    # Sigmas belong to the image as it was annotated, and scale with it.
    transform = Compose([GaussianSigma(images.sigma_rule), change])
    return evaluate(
        model,
        images,
        transform=transform,
        device=args.device,
        precision=args.precision,
        progress=sys.stderr.isatty(),
    )


def bias(result: Result) -> float:
    """Return the relative difference of the total count from the number of people."""
    return sum(each.count for each in result.counts) / max(result.people, 1) - 1


def row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def table(first: str, results: dict[tuple[str, str], Result]) -> str:
    """Format results by (change, data set)."""
    lines = [row([first, "images", *HEADINGS]), "|" + "---|" * (2 + len(HEADINGS))]
    for (name, dataset), result in results.items():
        figures = [f"{getattr(result, key):.{digits}f}" for key, digits in COLUMNS.items()]
        lines.append(row([name, f"{dataset}, {result.images}", *figures, f"{bias(result):+.1%}"]))
    return "\n".join(lines)


def count_empty_scenes(
    model: CrowdModel, sources: list[CrowdData], args: argparse.Namespace
) -> dict[str, Any]:
    empty_scenes = EmptyScenes(
        sources,
        sigma=["auto"] * len(sources),
        size=(384, 384),
        scale=(0.5, 2.0),
        length=args.empty_scenes,
        seed=SCENES_SEED,
        split="val",
    )
    counts = evaluate(model, empty_scenes, device=args.device, precision=args.precision).counts
    kinds = [
        "window" if "transforms" in empty_scenes[index].meta else "clutter"
        for index in range(len(empty_scenes))
    ]
    found = {}
    for kind in ("window", "clutter"):
        of_kind = [each.count for each, what in zip(counts, kinds, strict=True) if what == kind]
        if of_kind:
            found[kind] = {
                "images": len(of_kind),
                "mean": sum(of_kind) / len(of_kind),
                "largest": max(of_kind),
                "above_one": sum(each > 1 for each in of_kind) / len(of_kind),
            }
    return found


def empty_scenes_table(found: dict[str, Any]) -> str:
    names = {"window": "headless windows of photographs", "clutter": "drawn clutter"}
    lines = [row(["empty scenes, 384 x 384", "images", "mean count", "largest", "above 1"]), "|" + "---|" * 5]
    for kind, each in found.items():
        figures = [f"{each['mean']:.2f}", f"{each['largest']:.1f}", f"{each['above_one']:.0%}"]
        lines.append(row([names[kind], str(each["images"]), *figures]))
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="the folder of a run or a model, or the name of bundled weights")
    parser.add_argument("--root", required=True, help="folder that holds part_A and part_B")
    parser.add_argument("--part", default="AB", help="A, B or AB (default: %(default)s)")
    parser.add_argument("--images", type=int, help="use only this many images of each part, evenly spread")
    parser.add_argument(
        "--wide", type=int, default=5, help="images of each part at every width (default: %(default)s)"
    )
    parser.add_argument("--widths", type=int, nargs="*", default=WIDTHS)
    parser.add_argument(
        "--empty-scenes", type=int, default=200, help="images without people (default: %(default)s)"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16", "float16"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures to this file")
    args = parser.parse_args(argv)

    opened = open_model(args.model)
    sources = open_splits(DataConfig(root=args.root, part=args.part), "val")
    shown = sources if args.images is None else [spread(each, args.images) for each in sources]
    print(f"{opened.title} on validation images of ShanghaiTech; {args.precision}\n")
    conditions = {
        (name, images.name): measure(opened.model, images, change, args)
        for name, change in CONDITIONS.items()
        for images in shown
    }
    print(table("", conditions), "\n", flush=True)
    widths = {
        (f"{width:,} px wide", images.name): measure(
            opened.model, spread(images, args.wide), of_width(width), args
        )
        for width in args.widths
        for images in shown
    }
    print(table("", widths), "\n", flush=True)
    empty_scenes = count_empty_scenes(opened.model, sources, args) if args.empty_scenes else {}
    print(empty_scenes_table(empty_scenes))
    found = {
        "model": opened.title,
        "precision": args.precision,
        "conditions": [{"condition": key[0], **plain(each)} for key, each in conditions.items()],
        "widths": [{"condition": key[0], **plain(each)} for key, each in widths.items()],
        "empty_scenes": empty_scenes,
    }
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def plain(result: Result) -> dict[str, Any]:
    """Prepare a result for JSON, which has no NaN."""
    values = asdict(result)
    return {
        key: None if isinstance(value, float) and not isfinite(value) else value
        for key, value in values.items()
    }


def spread(images: CrowdData, number: int) -> CrowdData:
    """Take the given number of images, evenly spread over the data set."""
    number = min(number, len(images))
    return Subset(images, [place * len(images) // number for place in range(number)])


if __name__ == "__main__":
    main()
