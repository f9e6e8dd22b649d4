"""Where does a model miscount? Its density maps, its counts per cell and the people in them, as one picture.

    python benchmarks/worst_maps.py shanghaitech --root DATA/ShanghaiTech --out docs/pictures/worst-maps.png

The model is the folder of a run or a model, or the name of bundled weights. The images are *validation* images, sorted
by relative error: the worst, then some from the middle. Neither photographs nor positions of heads are shown.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from crowdkit.counting import open_model
from crowdkit.data import CrowdData
from crowdkit.ops import dot_map, sum_pool
from crowdkit.pictures import color_map, save_image, sheet
from crowdkit.training import DataConfig, open_splits

HEADINGS = ("density map", "counted in cells", "people in cells")


@torch.inference_mode()
def main(argv: Sequence[str] | None = None) -> list[str]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="the folder of a run or a model, or the name of bundled weights")
    parser.add_argument("--root", required=True, help="folder that holds part_A and part_B")
    parser.add_argument("--out", type=Path, required=True, help="the picture to write")
    parser.add_argument("--worst", type=int, default=5, help="number of worst images (default: %(default)s)")
    parser.add_argument(
        "--middle", type=int, default=3, help="number of images of median error (default: %(default)s)"
    )
    parser.add_argument(
        "--cell", type=int, default=64, help="side of a cell in pixels (default: %(default)s)"
    )
    args = parser.parse_args(argv)

    model = open_model(args.model).model
    if args.cell % model.stride:
        parser.error(f"--cell: expected a multiple of the model's stride {model.stride}, got {args.cell}")
    found: list[tuple[float, CrowdData, int, Tensor]] = []
    for images in open_splits(DataConfig(root=args.root, part="AB"), "val"):
        for index in range(len(images)):
            density = model(images[index].image[None]).density[0, 0]
            people = images.count(index)
            found.append((abs(float(density.sum()) - people) / (people + 5), images, index, density))
    found.sort(key=lambda each: each[0], reverse=True)
    first = (len(found) - args.middle) // 2
    pictures, captions = [], []
    for _, images, index, density in found[: args.worst] + found[first : first + args.middle]:
        sample = images[index]
        counted = sum_pool(density, args.cell // model.stride)
        people = dot_map(sample.points, (sample.image.shape[-2], sample.image.shape[-1]), stride=args.cell)
        brightest = float(torch.maximum(counted, people).max())
        cells = [
            color_map(each, maximum=brightest).repeat_interleave(8, 1).repeat_interleave(8, 2)
            for each in (counted, people)
        ]
        pictures.append([color_map(density), *cells])
        name = f"{images.name}/{sample.meta['name']}"
        captions.append([name, f"{float(density.sum()):,.0f}", f"{len(sample.points):,} people"])
    save_image(sheet(pictures, captions=captions, headings=HEADINGS, width=240), args.out)
    lines = [" | ".join(each) for each in captions]
    print("\n".join(lines))
    return lines


if __name__ == "__main__":
    main()
