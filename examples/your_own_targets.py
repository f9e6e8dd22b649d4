"""Make the targets of a crowd network from your own points: density maps, crowd region, density levels.

    python examples/your_own_targets.py                                          # on a synthetic scene
    python examples/your_own_targets.py --image street.jpg --points heads.csv    # on yours

The CSV has the columns x and y in continuous pixels: pixel j covers [j, j + 1). Coordinates that are pixel indices need
--convention index. Writes targets.png and prints that every map sums to the number of heads, at every stride. Takes
seconds.
"""

import argparse
from pathlib import Path

import torch

from crowdkit.data import SyntheticCrowd, read_image, read_points, to_canvas
from crowdkit.pictures import color_map, overlay, save_image, sheet
from crowdkit.targets import DensityLevels, crowd_region, density_map, sigma_rule

STRIDES = (1, 2, 4, 8)


def main(argv: list[str] | None = None) -> dict[str, object]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--image", type=Path, help="a photograph; a synthetic scene by default")
    parser.add_argument("--points", type=Path, help="its heads, a CSV with x and y")
    parser.add_argument("--convention", default="continuous", choices=("continuous", "index", "matlab"))
    parser.add_argument(
        "--sigma", default="cfanet-mall", help="name of a sigma rule (default: %(default)s, 3 pixels)"
    )
    parser.add_argument("--levels", type=int, default=6, help="density levels (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("targets.png"), help="picture to write")
    args = parser.parse_args(argv)
    if (args.image is None) != (args.points is None):
        parser.error("pass both --image and --points, or neither")

    if args.image is None:
        scene = SyntheticCrowd(1, people=(60, 90), seed=3)[0]
        image, found = scene.image, scene.points
    else:
        image, found = read_image(args.image), read_points(args.points, convention=args.convention)
    size = (int(image.shape[-2]), int(image.shape[-1]))
    # Heads less than a pixel outside are moved onto the picture, others are dropped; both are reported.
    points, clamped, dropped, _ = to_canvas(found, size)
    print(f"{len(points)} heads on {size[1]} x {size[0]} pixels ({clamped} clamped, {dropped} dropped)")

    rule = sigma_rule(args.sigma)
    sigma = rule(points, size)
    maps = {
        stride: density_map(points, size, sigma=sigma, stride=stride, truncate=rule.truncate)
        for stride in STRIDES
    }
    # In training you fit the levels once, on all training maps: DensityLevels.fit takes any iterable of maps.
    levels = DensityLevels.fit([maps[1]], levels=args.levels)

    rows, captions = [[image, overlay(image, maps[1]), None]], [["photograph", f"{len(points)} people", None]]
    for stride, density in maps.items():
        region, level = crowd_region(density, stride=stride), levels(density, stride=stride)
        rows.append(
            [color_map(density), color_map(region, maximum=1), color_map(level, maximum=levels.levels - 1)]
        )
        share = region.float().mean().item()
        captions.append(
            [
                f"density map at stride {stride}, sums to {density.sum():.3f}",
                f"crowd region (CAM target), {share:.0%}",
                f"density levels (FAM target), 0 to {levels.levels - 1}",
            ]
        )
        print(f"stride {stride}: sum {density.sum():.4f}, crowd region {share:.1%}")
    page = sheet(rows, captions=captions, bar=("0", "most"))
    print(f"wrote {save_image(page, args.out)}")
    return {
        "people": len(points),
        "sums": [float(density.sum(dtype=torch.float64)) for density in maps.values()],
        "out": args.out,
    }


if __name__ == "__main__":
    main()
