"""Evaluate a trained model next to "always predict the training mean", and draw its estimates.

    python examples/train_on_gpu.py && python examples/evaluate_a_model.py --model runs/train_on_gpu/best
    python examples/evaluate_a_model.py --model runs/partB/best --data data/ShanghaiTech --part B --split val

Prints the figures with the split that they come from and the protocol of the map metrics, and writes a picture of the
best, the median and the worst image. Without --model it evaluates an untrained network, to show what one looks like.
Takes about ten seconds on synthetic scenes, where the model of train_on_gpu.py has about half the MAE of the mean.
"""

import argparse
from pathlib import Path

import torch

from crowdkit.counting import Counter
from crowdkit.data import SyntheticCrowd, resolve_sigma
from crowdkit.evaluation import Result, evaluate, mean_baseline, results_table
from crowdkit.models import create_model, load_model
from crowdkit.pictures import overlay, save_image, sheet
from crowdkit.targets import density_map
from crowdkit.training import DataConfig, open_split


def main(argv: list[str] | None = None) -> dict[str, Result]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a folder that model.save wrote, such as runs/.../best")
    parser.add_argument("--data", type=Path, help="ShanghaiTech's folder; synthetic test scenes by default")
    parser.add_argument("--part", default="B", choices=("A", "B"), help="its part (default: %(default)s)")
    parser.add_argument(
        "--split", default="val", choices=("val", "test"), help="its split; select on val, report test"
    )
    parser.add_argument("--scenes", type=int, default=40, help="synthetic scenes (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("evaluation.png"), help="picture to write")
    args = parser.parse_args(argv)

    if args.model is None:
        print("no --model: this is an untrained network")
        torch.manual_seed(0)
        model = create_model("cfanet_lite").eval()
    else:
        model = load_model(args.model)
    if args.data is None:
        options = {"size": (96, 128), "people": (0, 60)}
        train_set, images = (
            SyntheticCrowd(800, **options),
            SyntheticCrowd(args.scenes, split="test", **options),
        )
        sigma: float | str = 6.0  # as in train_on_gpu.py
    else:
        data = DataConfig(root=str(args.data), part=args.part)
        train_set, images = open_split(data, "train"), open_split(data, args.split)
        sigma = "auto"  # the data set's own rule

    found = evaluate(model, images, sigma=sigma, progress=True)
    mean = mean_baseline(train_set, images, sigma=sigma, stride=model.stride)
    results = {"model": found, "mean": mean}
    print(results_table(results))

    counter = Counter(model)
    ranked = sorted(range(len(images)), key=lambda n: abs(found.counts[n].count - found.counts[n].people))
    rule, rows, captions = resolve_sigma(sigma, images), [], []
    for kind, n in zip(
        ("best", "middle", "worst"), (ranked[0], ranked[len(ranked) // 2], ranked[-1]), strict=True
    ):
        sample, size = images[n], images.size(n)
        guess = counter.count(sample.image)
        truth = density_map(sample.points, size, sigma=rule(sample.points, size), truncate=rule.truncate)
        rows.append([sample.image, overlay(sample.image, truth), overlay(sample.image, guess.density)])
        captions.append(
            [f"{kind}: {images.names[n]}", f"{len(sample.points)} people", f"{guess.count:.1f} counted"]
        )
    page = sheet(rows, captions=captions, headings=["Photograph", "Truth", "Estimate"])
    print(f"wrote {save_image(page, args.out)}")
    return results


if __name__ == "__main__":
    main()
