"""The cost of every model and every loss, as Markdown: ``python benchmarks/costs.py``.

Models: parameters, operations on one image of 768 x 1024 and seconds. Losses: milliseconds of a forward
and backward pass on four maps of 96 x 128 cells at stride 8, with 200 heads each.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from torch.utils.flop_counter import FlopCounterMode

from crowdkit.losses import create_loss, list_losses
from crowdkit.models import create_model, list_models
from crowdkit.targets import density_map

HEIGHT, WIDTH = 768, 1024


def seconds(call: Callable[[], object], *, repeats: int) -> float:
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return median(times)


def models(names: list[str], repeats: int) -> None:
    print(
        f"| model | stride | parameters | GFLOP at {HEIGHT} x {WIDTH} | seconds, float32 | seconds, bfloat16 |"
    )
    print("|---|---|---|---|---|---|")
    image = torch.rand(1, 3, HEIGHT, WIDTH).contiguous(memory_format=torch.channels_last)
    for name in names:
        torch.manual_seed(0)
        model = create_model(name).eval().to(memory_format=torch.channels_last)
        with torch.inference_mode():
            with FlopCounterMode(display=False) as counter:
                model(image)
            full = seconds(lambda model=model: model(image), repeats=repeats)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                half = seconds(lambda model=model: model(image), repeats=repeats)
        parameters = sum(each.numel() for each in model.parameters())
        gflop = counter.get_total_flops() / 1e9
        print(
            f"| `{name}` | {model.stride} | {parameters:,} | {gflop:,.0f} | {full:.2f} | {half:.2f} |",
            flush=True,
        )


def losses(repeats: int) -> None:
    print("| loss | ms, forward and backward |")
    print("|---|---|")
    generator = torch.Generator().manual_seed(0)
    size = (HEIGHT, WIDTH)
    heads = [torch.rand(200, 2, generator=generator) * torch.tensor([WIDTH, HEIGHT]) for _ in range(4)]
    target = torch.stack([density_map(each, size, sigma=15.0, stride=8)[None] for each in heads])
    pred = (target * 0.8 + 0.001).requires_grad_()
    for name in list_losses():
        loss = create_loss(name)
        keywords = {"points": heads} if getattr(loss, "needs_points", False) else {}
        if hasattr(loss, "stride"):
            loss = create_loss(name, stride=8)

        def step(loss: torch.nn.Module = loss, keywords: dict[str, list[torch.Tensor]] = keywords) -> None:
            loss(pred, target, **keywords).backward()

        print(f"| `{name}` | {1000 * seconds(step, repeats=repeats):.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="*", default=list_models(), help="only these models")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    models(args.models, args.repeats)
    print()
    losses(args.repeats)


if __name__ == "__main__":
    main()
