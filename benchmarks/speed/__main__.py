"""Measure the speed of crowdkit, every line as a ratio to a plain implementation in the same run.

    python -m benchmarks.speed                 # all rows
    python -m benchmarks.speed 1 2 --turns 15  # targets and BSL

Each line is printed once it is measured; --json saves the figures, --page writes them into a page of the docs.
"""

import argparse
import json
import platform
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch

from benchmarks.speed import bsl, cfanet, export, folder, huge, startup, targets, training
from benchmarks.speed.case import Case, Measured, measure
from benchmarks.speed.ceiling import convolution_flops, copy_bytes
from benchmarks.speed.render import HEADINGS, line, render

# The number of every row, and the function that makes its lines.
ROWS: dict[int, Callable[[torch.device], Iterable[Case]]] = {
    1: targets.cases,
    2: bsl.cases,
    3: cfanet.cases,
    4: training.cases,
    5: huge.cases,
    6: folder.cases,
    7: export.cases,
    8: startup.cases,
}
BEGIN, END = "<!-- speed: begin -->", "<!-- speed: end -->"


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    device = torch.device(args.device)
    print(machine(device), flush=True)
    print("\n" + "\n".join(HEADINGS), flush=True)
    found: list[Measured] = []
    for number in args.rows or ROWS:
        for case in ROWS[number](device):
            found.append(measure(case, device=device, turns=args.turns))
            print(line(found[-1]), flush=True)
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        kept = {"machine": machine(device), "lines": [each.as_dict() for each in found]}
        args.json.write_text(json.dumps(kept, indent=1) + "\n")
    if args.page:
        write_page(args.page, machine(device), found)
    return 0


def machine(device: torch.device) -> str:
    """Describe the device and its measured limits."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    formats = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    speeds = ", ".join(
        f"{convolution_flops(device, d) / 1e9:,.0f} GFLOP/s in {n}" for n, d in formats.items()
    )
    return (
        f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}: convolutions reach {speeds}; "
        f"copies {copy_bytes(device) / 1e9:,.0f} GB/s"
    )


def write_page(page: Path, heading: str, found: Sequence[Measured]) -> None:
    """Write the table between the page's two markers."""
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"--page: expected {BEGIN} and {END} in {page}, got neither")
    page.write_text(f"{before}{BEGIN}\n\n{heading}.\n\n{render(found)}\n\n{END}{after}")


def _row(text: str) -> int:
    if text not in {str(number) for number in ROWS}:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(map(str, ROWS))}, got {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "rows", type=_row, nargs="*", metavar="ROW", help="numbers of the rows; all by default"
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    parser.add_argument("--turns", type=int, help="repetitions per side; by default those of each line")
    parser.add_argument("--json", type=Path, help="save the figures to this file")
    parser.add_argument("--page", type=Path, help="write the table into this page of the docs")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
