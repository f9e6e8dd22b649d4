"""Measured figures beside the paper's, as text and as a page of the docs."""

import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks.paper.budgets import BUDGETS, Budget, configuration
from benchmarks.paper.runs import OTHER, without_places
from benchmarks.paper.tables import HEADINGS, TABLES, UCF, Experiment, Row, Table

NAMES = {
    "mae": "MAE",
    "rmse": "RMSE",
    "ssim": "SSIM",
    "psnr": "PSNR",
    "game3": "GAME(3)",
    "background_ratio": "r_bg",
}
DIGITS = {"mae": 1, "rmse": 1, "game3": 1, "ssim": 3, "psnr": 2, "background_ratio": 4}
OTHERS = "other_"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def load(results: Path) -> list[dict[str, Any]]:
    """Read all measurements of a budget."""
    return [json.loads(path.read_text()) for path in sorted(results.glob("*.json"))]


def render_table(table: Table, budget: Budget, results: Path) -> str:
    """Format one table in Markdown: every column ours, then the paper's.

    Args:
        table: The table.
        budget: The budget of the measurements.
        results: The folder of that budget's JSON files.

    Returns:
        The text.
    """
    found = load(results)
    columns = list(table.columns())
    lines = [
        f"**Table {table.number}. {table.title}** (budget: {budget.name})",
        "",
        "| | " + " | ".join(_heading(table, *column, budget) for column in columns) + " | seeds |",
        "|---" * ((1 if table.ours else 2) * len(columns) + 2) + "|",
    ]
    lines += [_line(table, row, budget, found) for row in table.rows]
    if table.note:
        lines += ["", table.note]
    return "\n".join(lines)


def _heading(table: Table, dataset: str, metric: str, budget: Budget) -> str:
    if metric.startswith(OTHERS):
        return f"{NAMES[metric.removeprefix(OTHERS)]} on {HEADINGS[OTHER[budget.dataset(table, dataset)]]}"
    where = f"{HEADINGS[dataset]} " if len(table.datasets) > 1 else ""
    trained = budget.dataset(table, dataset)
    other = "" if trained == dataset else f" on {HEADINGS[trained]}"
    return f"{where}{NAMES[metric]}{other}" if table.ours else f"{where}{NAMES[metric]}, ours{other} | paper"


def _line(table: Table, row: Row, budget: Budget, found: list[dict[str, Any]]) -> str:
    cells, seeds = [], 0
    for place, (dataset, metric) in enumerate(table.columns()):
        values = (
            []
            if row.experiment is None
            else _values(row.experiment, budget.dataset(table, dataset), metric, budget, found)
        )
        seeds = max(seeds, len(values))
        cells.append(_spread(values, DIGITS[metric.removeprefix(OTHERS)]))
        if not table.ours:
            published = row.published[place]
            cells.append("" if published is None else f"{published:g}")
    label = row.label
    if seeds and row.experiment is not None and budget.model(row.experiment) != row.experiment.model:
        label += f" ({budget.model(row.experiment)})"
    return f"| {label} | " + " | ".join(cells) + f" | {seeds or ''} |"


def _values(
    experiment: Experiment, dataset: str, metric: str, budget: Budget, found: list[dict[str, Any]]
) -> list[float]:
    """Return the metric of every seed; the mean over folds."""
    by_seed: dict[int, list[float]] = {}
    for each in found:
        config = each["config"]
        fold = config["data"].get("options", {}).get("fold", 0)
        seed = config["run"]["seed"]
        wanted = configuration(budget, experiment, dataset, seed=seed, fold=fold)
        if _same(without_places(wanted), config):
            split = "test" if dataset == UCF and not budget.synthetic else "validation"
            measured = each["other_part"] if metric.startswith(OTHERS) else each[split]
            by_seed.setdefault(seed, []).append(measured[metric.removeprefix(OTHERS)])
    return [mean(values) for _, values in sorted(by_seed.items())]


def _same(wanted: dict[str, Any], config: dict[str, Any]) -> bool:
    # Whether the encoder is pretrained is the user's choice, not the row's.
    wanted = {**wanted, "model": {**wanted["model"], "pretrained": config["model"]["pretrained"]}}
    return json.loads(json.dumps(wanted)) == config


def _spread(values: list[float], digits: int) -> str:
    if not values:
        return ""
    middle = f"{mean(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ± {stdev(values):.{digits}f}"


def write_page(page: Path, results: Path) -> None:
    """Write the tables of every budget that has measurements between the page's two markers.

    Args:
        page: A Markdown page with the markers.
        results: The folder that holds one folder per budget.
    """
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest:
        raise SystemExit(f"--page: expected {BEGIN} and {END} in {page}, got neither")
    page.write_text(before + BEGIN + "\n\n" + render_page(results) + "\n" + END + after)


def render_page(results: Path) -> str:
    """Format every table that has a measurement, budget by budget; smoke figures say nothing about people."""
    parts = []
    for budget in BUDGETS.values():
        found = load(results / budget.name)
        if budget.synthetic or not found:
            continue
        parts.append(f"### Budget: {budget.name}\n\n{budget.text[0].upper()}{budget.text[1:]}.\n")
        shown = [each for each in TABLES if _measured(each, budget, found)]
        parts += [render_table(each, budget, results / budget.name) + "\n" for each in shown]
    return "\n".join(parts)


def _measured(table: Table, budget: Budget, found: list[dict[str, Any]]) -> bool:
    return any(
        _values(row.experiment, budget.dataset(table, dataset), "mae", budget, found)
        for row in table.rows
        if row.experiment is not None
        for dataset in table.datasets
    )
