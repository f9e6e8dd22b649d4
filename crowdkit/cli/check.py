"""``crowdkit check``."""

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from crowdkit.cli.options import Commands, add_json, command, print_json

if TYPE_CHECKING:
    from crowdkit.data import Issue

_TEXT = """Look at every image and annotation of a data set and say what is in it and what is wrong.

Exit code 1 if an image cannot be used: unreadable, without its annotation, or with heads that
are not numbers, or if the annotations contradict themselves or the images: sizes, totals, units,
x and y, a large share of the heads outside. Duplicates and images without people are reported.

Your own photographs, with heads from any annotation tool: crowdkit check folder photos"""

# Notes that are of the whole data set.
_WHOLE = ("incomplete", "unpublished")
# Findings of one kind that are printed in words.
_FIRST = 5
_DATASETS = (
    "shanghaitech",
    "ucf_cc_50",
    "ucf_qnrf",
    "mall",
    "jhu_crowd",
    "nwpu_crowd",
    "scut_head",
    "beijing_brt",
    "folder",
)


def add(commands: Commands) -> None:
    """Add the subcommand.

    Args:
        commands: Where to.
    """
    parser = command(
        commands, "check", run, text=_TEXT, example="crowdkit check shanghaitech data/ShanghaiTech --part B"
    )
    parser.add_argument("dataset", choices=_DATASETS, help="the kind of data set")
    parser.add_argument("root", type=Path, help="its folder")
    parser.add_argument("--part", choices=("A", "B"), default="A", help="part of ShanghaiTech (A)")
    parser.add_argument(
        "--split", choices=("train", "val", "test"), default="train", help="split as published (train)"
    )
    parser.add_argument(
        "--options",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="other keywords of the data set: fold=2, resize=bayesian, incomplete=true",
    )
    parser.add_argument(
        "--against",
        nargs=2,
        action="append",
        default=[],
        metavar=("DATASET", "ROOT"),
        help="also list the photographs that both data sets hold; more than once for several",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Check.

    Args:
        args: The arguments.

    Returns:
        The exit code.
    """
    from tqdm import tqdm

    from crowdkit.data import check_dataset, find_duplicates
    from crowdkit.training import DataConfig, config_from_dict, load_config, open_dataset

    options = load_config(overrides=[f"data.options.{each}" for each in args.options]).data.options
    config = DataConfig(dataset=args.dataset, root=str(args.root), part=args.part, options=options)

    def with_bar(places: Iterable[int]) -> Iterable[int]:
        bar: Iterable[int] = tqdm(places, unit="image", disable=args.json, leave=False)
        return bar

    images = open_dataset(config, split=args.split)
    others = [
        open_dataset(config_from_dict({"data": {"dataset": dataset, "root": root}}).data)
        for dataset, root in args.against
    ]
    report = check_dataset(images, progress=with_bar)
    twins = find_duplicates([images, *others], progress=with_bar) if others and report.ok else []
    if args.json:
        print_json({**report.to_dict(), **({"duplicates": twins} if others else {})})
        return 0 if report.ok else 1
    print(f"{report.dataset}, split {report.split}")
    print(f"  images      {report.images} ({report.grayscale} grayscale)")
    print(f"  people      {report.people}, {report.fewest} to {report.most} an image")
    if report.labels:
        print(f"  by class    {report.classes}")
    listed = [f"{count} of {size}" for size, count in list(report.sizes.items())[:3]]
    rest = len(report.sizes) - len(listed)
    print(f"  sizes       {', '.join(listed)}{f' and {rest} other sizes' if rest else ''} (height x width)")
    print(f"  clamped     {report.heads('clamped')} heads less than a pixel outside, moved onto the image")
    print(f"  dropped     {report.heads('outside')} heads further outside")
    print(f"  duplicates  {report.heads('duplicate heads')} heads at the very place of another")
    if report.heads("out of region"):
        print(f"  not counted {report.heads('out of region')} heads outside the region of interest")
    findings = [each for each in report.issues if each.severity != "note"]
    for severity, kinds in _by_severity(findings).items():
        print(f"{severity}s: " + ", ".join(f"{count} x {kind}" for kind, count in kinds.items()))
    _print_messages([each for each in report.issues if each.severity != "note" or each.kind in _WHOLE])
    for (_, name), (number, other), _ in [each for each in twins if each.first[0] == 0]:
        print(f"  the same photograph: {name} and {other} of {[images, *others][number].name}")
    if others and not twins:
        print("  no photograph occurs twice")
    print("ok" if report.ok else "not ok: repair or remove these images")
    return 0 if report.ok else 1


def _print_messages(issues: "list[Issue]") -> None:
    """Print what was found in words: all errors, and the first warnings of each kind."""
    seen: Counter[str] = Counter()
    for each in issues:
        seen[each.kind] += 1
        if each.severity == "error" or seen[each.kind] <= _FIRST:
            print(f"  {each.message}")
    for kind, count in seen.items():
        if count > _FIRST and not any(each.kind == kind and each.severity == "error" for each in issues):
            print(f"  and {count - _FIRST} x {kind} more; all of them with --json")


def _by_severity(findings: "list[Issue]") -> dict[str, Counter[str]]:
    counted: dict[str, Counter[str]] = {}
    for each in findings:
        counted.setdefault(each.severity, Counter())[each.kind] += 1
    return counted
