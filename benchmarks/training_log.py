"""The validations of one or more runs, as Markdown.

    python benchmarks/training_log.py runs/structure runs/count runs/long

One row per validation: means of the loss and of the crops' error since the previous one, then the figures of every
data set, and the mean count of images without people if the run has any. All are in the run's ``metrics.jsonl``.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

LEARNT = {"loss": ("loss", 3), "crop_mae": ("crop MAE", 1)}
HELD_OUT = {"mae": ("MAE", 1), "rmse": ("RMSE", 1), "ssim": ("SSIM", 3), "background_ratio": ("r_bg", 3)}


def main(argv: Sequence[str] | None = None) -> str:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run's folder")
    texts = []
    for run in parser.parse_args(argv).runs:
        lines = [
            json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        texts.append(f"## {run.name}\n\n{table(lines)}")
    text = "\n\n".join(texts)
    print(text)
    return text


def table(lines: Sequence[dict[str, Any]]) -> str:
    """Format the lines of one run."""
    validations = [each for each in lines if each["kind"] == "validation"]
    columns = figures(validations[0])
    rows = [["epoch", *(label for label, _ in LEARNT.values()), *(label for label, _ in columns.values())]]
    rows.append(["---"] * len(rows[0]))
    before = 0
    for each in validations:
        crops = [line for line in lines if line["kind"] == "train" and before < line["step"] <= each["step"]]
        before = each["step"]
        learned = [cell(fmean(line[key] for line in crops), digits) for key, (_, digits) in LEARNT.items()]
        rows.append(
            [f"{each['epoch']:g}", *learned, *(cell(each[key], n) for key, (_, n) in columns.items())]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def figures(validation: dict[str, Any]) -> dict[str, tuple[str, int]]:
    """Return the heading and digits of each figure of a validation, for its data sets and empty scenes."""
    sets = [key.removesuffix("mae") for key in validation if key.endswith("/mae")] or [""]
    found = {
        f"{name}{key}": (f"{name.removeprefix('ShanghaiTech ').replace('/', ' ')}{label}", digits)
        for name in sets
        for key, (label, digits) in HELD_OUT.items()
    }
    return found | ({"empty_scenes": ("empty scenes", 2)} if "empty_scenes" in validation else {})


def cell(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    main()
