"""Can a model fit? Train it on a few real images until its counts on them are right.

A network that cannot memorize four images has a fault; one that can may still not generalize. Every few steps this
prints the mean relative count error (NAE) on those images, in eval mode, and it stops below the goal.

    python benchmarks/fit.py --root DATA/ShanghaiTech --part B --encoder-weights vgg16.safetensors --loss bsl
    python benchmarks/fit.py --root DATA/ShanghaiTech --part A --model cfanet_lite --loss mse --lr 1e-3
"""

import argparse
import json
import time
from collections.abc import Sequence

import torch

from crowdkit.data import Resize, ShanghaiTech
from crowdkit.losses import BSL, CFANetLoss, DensityMSELoss
from crowdkit.models import create_model
from crowdkit.targets import DensityLevels, density_map, sigma_rule


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", required=True, help="folder that holds part_A and part_B")
    parser.add_argument("--part", default="B", choices=("A", "B"))
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--long-side", type=int, default=512, help="images are resized to at most this")
    parser.add_argument("--model", default="cfanet")
    parser.add_argument("--encoder-weights")
    parser.add_argument("--model-expansion", type=float, default=1000.0)
    parser.add_argument("--loss", default="bsl", choices=("bsl", "mse"))
    parser.add_argument("--c1", type=float, default=0.01**2)
    parser.add_argument("--c2", type=float, default=0.03**2)
    parser.add_argument("--expansion", type=float, default=50.0)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--steps", type=int, default=400, help="maximum number of steps, one image each")
    parser.add_argument("--goal", type=float, default=0.05)
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--precision", default="bfloat16", choices=("float32", "bfloat16"))
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> float:
    args = arguments(argv)
    torch.manual_seed(args.seed)
    model = create_model(args.model, encoder_weights=args.encoder_weights, expansion=args.model_expansion).to(
        memory_format=torch.channels_last
    )
    images, targets, counts = [], [], []
    rule = sigma_rule("cfanet-sha" if args.part == "A" else "cfanet-shb")
    shrink = Resize(long_side_max=args.long_side)
    data = ShanghaiTech(args.root, part=args.part)
    for index in range(args.images):
        sample = shrink(data[index])
        size = sample.image.shape[-2:]
        images.append(sample.image[None].contiguous(memory_format=torch.channels_last))
        target = density_map(sample.points, size, sigma=rule(sample.points, size), stride=model.stride)
        targets.append(target[None, None])
        counts.append(len(sample.points))
    levels = DensityLevels.fit(targets, stride=model.stride)
    density_loss = (
        BSL(c1=args.c1, c2=args.c2, expansion=args.expansion, stride=model.stride)
        if args.loss == "bsl"
        else DensityMSELoss(expansion=args.expansion, stride=model.stride)
    )
    loss = CFANetLoss(levels, density_loss=density_loss, stride=model.stride)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    mixed = torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.precision == "bfloat16")
    started, error = time.perf_counter(), float("inf")
    print(f"{args.model}, {args.loss}, lr {args.lr:g}, part {args.part}, true counts {counts}", flush=True)
    for step in range(args.steps):
        if step % args.every == 0:
            error = relative_error(model, images, counts, mixed)
            print(f"step {step:4d}  {time.perf_counter() - started:6.0f} s  NAE {error:.4f}", flush=True)
            if error < args.goal:
                break
        model.train()
        which = step % args.images
        with mixed:
            prediction = model(images[which])
        value = loss(prediction, targets[which], progress=step / args.steps)
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    error = relative_error(model, images, counts, mixed)
    reached = {
        "loss": args.loss,
        "model": args.model,
        "part": args.part,
        "steps": step,
        "nae": round(error, 4),
    }
    print(json.dumps({**reached, "reached": error < args.goal}), flush=True)
    return error


@torch.no_grad()
def relative_error(model, images, counts, mixed) -> float:
    model.eval()
    with mixed:
        found = [float(model(image).count) for image in images]
    return sum(abs(f - c) / c for f, c in zip(found, counts, strict=True)) / len(counts)


if __name__ == "__main__":
    main()
