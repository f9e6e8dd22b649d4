"""The paper's tables: every row trains on the smallest budget, and what the docs show is what was measured."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "paper" / "results"


@pytest.fixture(scope="module")
def paper():
    """Give the benchmark's modules, which are not part of the library."""
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks.paper import budgets, render, runs, tables
    finally:
        sys.path.remove(str(ROOT))
    return {"budgets": budgets, "render": render, "runs": runs, "tables": tables}


def tables_command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.paper", *arguments]
    places = ["--out", str(folder / "runs"), "--results", str(folder / "results")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [*command, *places],
        cwd=ROOT,
        env=environment,
        text=True,
        capture_output=True,
        timeout=900,
        check=False,
    )


@pytest.mark.slow
def test_every_row_of_every_table_trains(paper, tmp_path):
    done = tables_command(tmp_path, "--budget", "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    for table in paper["tables"].TABLES:
        part = done.stdout.split(f"**Table {table.number}. ")[1].split("**Table")[0]
        lines = [line for line in part.splitlines() if line.startswith("| ")][1:]
        assert len(lines) == len(table.rows)
        for line, row in zip(lines, table.rows, strict=True):
            ours = line.split("|")[2 : -2 : 1 if table.ours else 2]
            assert all(bool(cell.strip()) == (row.experiment is not None) for cell in ours), line
    measured = sorted((tmp_path / "results" / "smoke").glob("*.json"))
    times = [path.stat().st_mtime_ns for path in measured]
    assert not list((tmp_path / "runs" / "smoke").iterdir())  # measured runs are taken away
    again = tables_command(tmp_path, "--budget", "smoke")
    assert again.stdout == done.stdout  # nothing is trained twice
    assert [path.stat().st_mtime_ns for path in measured] == times


def test_a_run_in_other_hands_is_passed_by(paper, tmp_path):
    with paper["runs"].Claim(tmp_path, "key") as first, paper["runs"].Claim(tmp_path, "key") as second:
        assert (first, second) == (True, False)
    assert not list(tmp_path.iterdir())
    (tmp_path / "key.claim").write_text("999999999")  # no process has this number
    with paper["runs"].Claim(tmp_path, "key") as mine:
        assert mine


def test_the_same_training_has_one_name_wherever_its_files_lie(paper, tmp_path):
    budget = paper["budgets"].BUDGETS["short"]
    experiment = paper["tables"].OURS

    def key(**more):
        config = paper["budgets"].configuration(budget, experiment, "shanghaitech_b", **{"seed": 0, **more})
        return paper["runs"].key_of(config)

    assert key(root=tmp_path) == key(root=tmp_path / "elsewhere")
    weights = [{"cfanet_lite": name} for name in ("a.safetensors", "b.safetensors")]
    assert key(weights=weights[0]) == key(weights=weights[1]) != key()
    assert key(seed=1) != key()


def test_a_row_has_the_same_figures_in_every_table(paper):
    tables = paper["tables"]
    seen: dict[tuple[str, str, str], float] = {}
    for table in tables.TABLES:
        for row in table.rows:
            if row.experiment != tables.OURS or table.ours:
                continue
            for (dataset, metric), value in zip(table.columns(), row.published, strict=True):
                assert seen.setdefault((dataset, metric, "CFANet"), value) == value, table.number
    assert seen[tables.A, "mae", "CFANet"] == 56.1


def test_the_docs_show_what_was_measured(paper):
    render = paper["render"]
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    shown = page.split(render.BEGIN)[1].split(render.END)[0].strip()
    assert shown == render.render_page(RESULTS).strip()


def test_measurements_belong_to_a_row_of_today(paper):
    """A measurement whose recipe has since changed would silently leave the tables."""
    for path in RESULTS.rglob("*.json"):
        result = json.loads(path.read_text())
        budget = paper["budgets"].BUDGETS[result["budget"]]
        rows = [
            value
            for table in paper["tables"].TABLES
            for row in table.rows
            if row.experiment is not None
            for dataset in table.datasets
            for value in paper["render"]._values(
                row.experiment, budget.dataset(table, dataset), "mae", budget, [result]
            )
        ]
        assert rows, path.name
        assert re.fullmatch(r"[\w.-]+", path.stem)


def test_mistakes_are_told(tmp_path):
    done = tables_command(tmp_path, "14")
    assert "expected a table from 1 to 13, got '14'" in done.stderr
    done = tables_command(tmp_path, "7", "--budget", "short")
    assert "--data: expected the folder" in done.stderr
    done = tables_command(tmp_path, "7", "--weights", "cfanett=x")
    assert "--weights: expected MODEL=PATH" in done.stderr
