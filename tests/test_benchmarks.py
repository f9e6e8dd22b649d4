"""The benchmarks run, on tiny settings."""

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.parametrize("loss", ["bsl", "mse"])
def test_fit_prints_its_verdict(loss: str, shanghaitech: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("crowdkit_benchmark_fit", FOLDER / "fit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    arguments = ["--root", str(shanghaitech), "--part", "A", "--images", "2", "--steps", "2", "--loss", loss]
    error = module.main(arguments)
    printed = capsys.readouterr().out
    assert error > 0
    assert f'"loss": "{loss}"' in printed
    assert '"reached": ' in printed
