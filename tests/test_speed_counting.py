"""The speed benchmarks of counting run on tiny settings, and what they print is right."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.speed import ceiling, export, folder, gpu, huge, startup
from benchmarks.speed.case import Case, Measured, measure
from benchmarks.speed.drawn import lively, photograph, save
from benchmarks.speed.render import line
from crowdkit.counting import predict

CPU = torch.device("cpu")


def lines(cases):
    return [measure(case, device=CPU, turns=1) for case in cases]


def test_a_side_that_runs_once_runs_once():
    ran = []
    case = Case(
        row=9,
        name="once",
        fast=lambda: ran.append("fast") or 3,
        plain=lambda: ran.append("plain") or 4,
        agree=lambda plain, fast: {"apart": plain - fast},
        once=True,
        peak=lambda result: 1000 * result,
        work=5,
        unit="images",
    )
    [found] = lines([case])
    assert ran == ["fast", "plain"]
    assert (found.peak, found.plain_peak, found.agreement) == (3000, 4000, {"apart": 1})
    assert found.ratio == found.ratio_low == pytest.approx(found.plain_seconds / found.seconds)
    assert found.rate == pytest.approx(5 / found.seconds)
    assert "images/s)" in line(found)
    json.dumps(found.as_dict())


def test_drawn_pictures_have_their_size_and_are_drawn_again_alike(tmp_path):
    picture = photograph(200, 301, seed=3)
    assert (picture.shape, picture.dtype) == ((200, 301, 3), np.uint8)
    assert np.array_equal(picture, photograph(200, 301, seed=3))
    assert not np.array_equal(picture, photograph(200, 301, seed=4))
    assert save(picture, tmp_path / "a.jpg").stat().st_size > 10_000


def test_a_bare_loop_counts_every_pixel_and_misses_what_lies_beside(monkeypatch):
    model, pixels = lively("mcnn"), photograph(150, 210)
    [whole] = predict(model, pixels, device="cpu")
    assert huge.bare_count(model, pixels, CPU) == pytest.approx(whole.count, rel=1e-5)
    monkeypatch.setattr(huge, "BARE_SIDE", 64)
    assert huge.bare_count(model, pixels, CPU) == pytest.approx(whole.count, rel=0.2)
    assert huge.bare_count(model, pixels, CPU) != pytest.approx(whole.count, rel=1e-4)


@pytest.mark.slow
def test_huge_images():
    scale = huge.Scale(("mcnn",), (300, 400), (301, 403), 0.02, (300, 400), (0.02, 1.0))
    process, whole, small, large, rows = lines(huge.cases(CPU, scale))
    assert (process.met, whole.met) == (True, True)
    assert 1e8 < process.peak < huge.LIMIT  # torch alone takes so much
    assert whole.agreement["tiles"] > 1
    assert small.agreement["tiles"] > large.agreement["tiles"] == 1
    assert rows.agreement == {"pixels": 0}


def test_tiles_that_differ_do_not_meet_the_goal():
    model = lively("mcnn")
    case = huge._against_whole("mcnn", model, CPU, huge.Scale(("mcnn",), whole=(301, 403), tight=0.02))
    found = measure(case, device=CPU, turns=1)
    assert found.met
    bad = Measured(**{**found.as_dict(), "agreement": {**found.agreement, "count": 2e-3}})
    assert not case.reached(bad)
    assert not case.reached(Measured(**{**found.as_dict(), "agreement": {**found.agreement, "tiles": 1}}))


@pytest.mark.slow
def test_a_folder():
    scale = folder.Scale(("mcnn",), photographs=5, different=3, size=(96, 128), readers=(0, None))
    found = lines(folder.cases(CPU, scale))
    names = ["readers=0", "readers=None", "crowdkit count from its start"]
    assert [each.name.split(", ")[-1] for each in found] == names
    # The command prints two decimals.
    assert [each.agreement["count"] < most for each, most in zip(found, (1e-5, 1e-5, 1e-2), strict=True)]
    assert found[0].met is None
    assert all(each.rate > 0 for each in found)


@pytest.mark.slow
def test_exported_files():
    scale = export.Scale(("mcnn",), sizes=((96, 128), (65, 71)))
    onnx, program = lines(export.cases(CPU, scale))
    assert (onnx.met, program.met) == (True, True)
    assert onnx.agreement["cells"] > 0  # another runtime, not the network itself
    assert not list(export.cases(torch.device("cuda"), scale))


@pytest.mark.slow
def test_start_up():
    found = [measure(each, device=CPU, turns=1) for each in startup.cases(CPU, turns=1)]
    losses, command, photograph = found
    assert 0 < losses.agreement["seconds after torch"] < losses.seconds
    assert 0 < command.seconds < photograph.seconds


def test_what_a_process_says_when_it_fails(tmp_path: Path):
    job = huge.Job(
        image=str(tmp_path / "none.jpg"), model=str(tmp_path), how="tiles", device="cpu", threads=1
    )
    with pytest.raises(RuntimeError, match=r"config\.json"):
        huge.run_job(job)


@pytest.mark.slow
def test_the_script_for_a_gpu_runs_on_a_cpu(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ceiling, "seconds", lambda *_: 1.0)  # large convolutions take a while
    arguments = ["--out", str(tmp_path), "--device", "cpu", "--tiny", "--turns", "1", "--rows"]
    assert gpu.main(arguments) == 0
    found = json.loads((tmp_path / "gpu.json").read_text())
    names = [each["name"] for each in found["lines"]]
    assert names[0] == "CFANet, 1 x 16 x 24, float32"
    assert names[1].endswith("compiled")
    assert names[-1] == "mcnn's epoch, float32, batches of 2, 0 workers"
    compiled, trained = found["lines"][1], found["lines"][-1]
    assert compiled["agreement"]["cells"] < 1e-5
    assert compiled["of_ceiling"] > 0
    assert trained["rate"] > 0
    assert 0 < trained["agreement"]["share of the epoch spent waiting for the loader"] < 1
    assert "requires a GPU" in found["notes"][0]
    assert all(f"| {name} |" in (tmp_path / "gpu.md").read_text() for name in names)
    assert "CFANet" in capsys.readouterr().out


def test_a_row_that_fails_does_not_stop_the_others(tmp_path):
    found = gpu.Findings(tmp_path / "new", "a card")
    found.attempt("row 1", lambda: [][0])
    found.attempt("row 2", lambda: found.notes.append("went on"))
    assert found.failed
    assert json.loads((tmp_path / "new" / "gpu.json").read_text())["notes"] == [
        "row 1 failed: IndexError: list index out of range",
        "went on",
    ]
