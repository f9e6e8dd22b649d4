"""Measure everything that is worth measuring on a GPU, in one call.

    python -m benchmarks.speed.gpu --out FOLDER

It measures targets, BSL, CFANet's inference and its training step; photographs per second, compiled and not, against
the card's own limit; an epoch from files; and whether a training step waits for the card. FOLDER receives gpu.md and
gpu.json after every line. A failing row is reported, and the others continue.
"""

import argparse
import json
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.speed import epoch, throughput
from benchmarks.speed.__main__ import ROWS, machine
from benchmarks.speed.case import Case, Measured, measure
from benchmarks.speed.render import HEADINGS, line, render

TINY_EPOCH = epoch.Scale(
    models=("mcnn",),
    photographs=6,
    size=(64, 96),
    crop=(32, 48),
    batch=2,
    heads=5,
    precision="float32",
    workers=(0,),
)
TINY_IMAGES = throughput.Scale(size=(16, 24), batches=(1,), backend="eager")


class Findings:
    """The results so far, rewritten after every line, because a card may be taken away at any time."""

    def __init__(self, folder: Path, heading: str) -> None:
        self.folder, self.heading = folder, heading
        self.lines: list[Measured] = []
        self.notes: list[str] = []
        self.failed = False
        folder.mkdir(parents=True, exist_ok=True)

    def write(self) -> None:
        """Write both files."""
        notes = "".join(f"- {note}\n" for note in self.notes)
        (self.folder / "gpu.md").write_text(f"{self.heading}.\n\n{render(self.lines)}\n\n{notes}")
        found = {
            "machine": self.heading,
            "lines": [each.as_dict() for each in self.lines],
            "notes": self.notes,
        }
        (self.folder / "gpu.json").write_text(json.dumps(found, indent=1) + "\n")

    def attempt(self, what: str, work: Callable[[], None]) -> None:
        """Run a part; if it fails, record why and continue."""
        try:
            work()
        except Exception as error:
            traceback.print_exc()
            self.failed = True
            self.notes.append(f"{what} failed: {type(error).__name__}: {error}")
        self.write()


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    device = torch.device(args.device)
    found = Findings(args.out, machine(device))
    print(found.heading, "\n", *HEADINGS, sep="\n", flush=True)

    def lines(cases: Iterable[Case]) -> None:
        for case in cases:
            found.lines.append(measure(case, device=device, turns=args.turns))
            print(line(found.lines[-1]), flush=True)
            found.write()

    learning = TINY_EPOCH if args.tiny else epoch.FULL
    images = TINY_IMAGES if args.tiny else throughput.FULL
    # What takes only seconds comes first.
    found.attempt("whether a step waits", lambda: found.notes.extend(waiting(device, learning)))
    for number in args.rows:
        found.attempt(f"row {number}", lambda number=number: lines(ROWS[number](device)))
    found.attempt("photographs per second", lambda: lines(throughput.cases(device, images)))
    found.attempt("an epoch", lambda: lines(epoch.cases(device, learning)))
    print(*found.notes, sep="\n")
    return 1 if found.failed else 0


def waiting(device: torch.device, scale: epoch.Scale) -> list[str]:
    """Report for every model whether its training step waits for the card."""
    if device.type != "cuda":
        return ["whether a step waits was not measured: it requires a GPU"]
    told = []
    with TemporaryDirectory() as place:
        photographs = epoch.draw(Path(place, "photographs"), scale)
        for model in scale.models:
            folder = Path(place, model)
            with epoch.open_training(photographs, folder, model, 0, device, scale) as trainer:
                seen = epoch.waits(trainer, next(iter(trainer.loader)))
            counted = ", ".join(f"{number} x {name}" for name, number in seen.items()) or "none"
            told.append(
                f"{model}: no step raised under torch.cuda.set_sync_debug_mode('error'); "
                f"waits that the profiler saw in one: {counted}"
            )
    return told


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="folder for gpu.md and gpu.json"
    )
    parser.add_argument("--device", default="cuda", help="cuda; cpu to try the script")
    parser.add_argument("--turns", type=int, help="repetitions per side; by default those of each line")
    known = sorted({1, 2, 3, 4} & ROWS.keys())
    parser.add_argument(
        "--rows", type=int, nargs="*", choices=known, default=known, help="some of the first four"
    )
    parser.add_argument("--tiny", action="store_true", help="use small images, to try the script")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
