"""Retrain the tables of the paper.

    python -m benchmarks.paper 11 --budget short --data DATA --weights cfanet_lite=tf_efficientnet_lite0.safetensors

Each row whose model is available is trained on the training images, selected on their validation split and printed
beside the paper's figure, which is on the test images. Existing measurements are read from --results and not trained
again; an interrupted run is resumed. Several processes can share the work: start the same command in another shell.
"""

import argparse
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.paper.budgets import BUDGETS, DATA, Budget, configuration
from benchmarks.paper.render import render_table, write_page
from benchmarks.paper.runs import key_of, run
from benchmarks.paper.tables import TABLES, UCF, Experiment, table
from crowdkit.errors import DataError
from crowdkit.models import list_models
from crowdkit.runtime import TrainingInterrupted

HERE = Path(__file__).parent


class Job(NamedTuple):
    """One training that a table needs."""

    dataset: str
    config: dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    budget = BUDGETS[args.budget]
    weights = dict(pair.split("=", 1) for pair in args.weights)
    for name in weights:
        if name not in list_models():
            raise SystemExit(
                f"--weights: expected MODEL=PATH with one of {', '.join(list_models())}, got {name!r}"
            )
    if not budget.synthetic and args.data is None and not args.print_only:
        raise SystemExit("--data: expected the folder that holds ShanghaiTech, UCF-QNRF, ...; got nothing")
    numbers = args.tables or [each.number for each in TABLES]
    jobs = [] if args.print_only else _jobs(numbers, budget, args, weights)
    for place, job in enumerate(jobs, 1):
        print(f"[{place}/{len(jobs)}] {key_of(job.config)}", flush=True)
        try:
            print(f"    {_work(job, budget, args)}", flush=True)
        except TrainingInterrupted:
            print("stopped; the same command continues from here")
            return 130
        except DataError as error:
            print(f"    skipped: {error}", flush=True)
    for number in numbers:
        print()
        print(render_table(table(number), budget, args.results / budget.name))
    if args.page:
        write_page(args.page, args.results)
    return 0


def _work(job: Job, budget: Budget, args: argparse.Namespace) -> str:
    """Train and measure one job, and describe the result."""
    done = run(
        job.config,
        dataset=job.dataset,
        budget=budget,
        results=args.results / budget.name,
        folder=args.out / budget.name,
        data_root=args.data,
        test=args.test,
        keep=args.keep,
    )
    if done is None:
        return "another process is working on it"
    found = done["validation"]
    return f"MAE {found['mae']:.2f}  RMSE {found['rmse']:.2f}  r_bg {found['background_ratio']:.4f}"


def _jobs(
    numbers: Sequence[int], budget: Budget, args: argparse.Namespace, weights: dict[str, str]
) -> list[Job]:
    """List each training of the tables once, all rows of a seed before the next seed."""
    jobs: dict[str, Job] = {}
    for seed, number in product(range(args.seeds or budget.seeds), numbers):
        for name, experiment in _wanted(number, budget, args):
            dataset = budget.dataset(table(number), name)
            for fold in range(budget.folds if dataset == UCF else 1):
                config = configuration(
                    budget, experiment, dataset, seed=seed, fold=fold, root=args.data, weights=weights
                )
                jobs.setdefault(key_of(config), Job(dataset, config))
    return list(jobs.values())


def _wanted(number: int, budget: Budget, args: argparse.Namespace) -> Iterator[tuple[str, Experiment]]:
    for dataset in table(number).datasets:
        if args.only and dataset not in args.only:
            continue
        if (
            not budget.synthetic
            and not (args.data / DATA[budget.dataset(table(number), dataset)][0]).is_dir()
        ):
            print(f"table {number}: no {DATA[dataset][0]} in {args.data}, leaving its columns empty")
            continue
        for row in table(number).rows:
            if row.experiment is not None and (args.all_models or budget.affords(row.experiment)):
                yield dataset, row.experiment


def _number(text: str) -> int:
    if text not in {str(each.number) for each in TABLES}:
        raise argparse.ArgumentTypeError(f"expected a table from 1 to {len(TABLES)}, got {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.paper",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "tables", type=_number, nargs="*", metavar="TABLE", help="numbers of the tables; all by default"
    )
    parser.add_argument(
        "--budget", choices=sorted(BUDGETS), default="smoke", help="the amount of training (smoke)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="folder that holds ShanghaiTech, UCF-QNRF, UCF_CC_50, mall_dataset",
    )
    parser.add_argument("--only", nargs="+", choices=sorted(DATA), help="only these data sets")
    parser.add_argument(
        "--weights",
        nargs="+",
        default=[],
        metavar="MODEL=PATH",
        help="encoder weights of a model; random by default",
    )
    parser.add_argument("--seeds", type=int, help="seeds per row; the budget's by default")
    parser.add_argument(
        "--all-models", action="store_true", help="also the models the budget cannot afford on a CPU"
    )
    parser.add_argument("--test", action="store_true", help="also measure on the official test images, once")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/paper"), help="where runs are written (runs/paper)"
    )
    parser.add_argument("--keep", action="store_true", help="keep a run's folder after it is measured")
    parser.add_argument(
        "--results", type=Path, default=HERE / "results", help="where measurements are stored as JSON"
    )
    parser.add_argument(
        "--print-only", action="store_true", help="train nothing, print existing measurements"
    )
    parser.add_argument(
        "--page", type=Path, help="write the tables of all budgets into this page of the docs"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
