"""``crowdkit check`` on the data sets of the field."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from crowdkit.cli import check
from crowdkit.cli.main import main
from crowdkit.data import list_datasets


@pytest.fixture
def ucf_cc_50(tmp_path: Path, jpeg: Callable[..., None]) -> Path:
    for number in range(1, 11):
        jpeg(tmp_path / f"{number}.jpg", (10, 12))
        savemat(tmp_path / f"{number}_ann.mat", {"annPoints": np.array([[1.0, 1.0], [-300.0, 5.0]])})
    return tmp_path


def test_it_knows_all_that_have_files() -> None:
    assert set(check._DATASETS) == set(list_datasets()) - {"synthetic"}


def test_a_partial_copy_is_refused_or_told(ucf_cc_50: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "ucf_cc_50", str(ucf_cc_50)]) == 2
    assert "expected 40 images, got" in capsys.readouterr().err
    options = ["--split", "test", "--options", "seed=none", "fold=0"]
    assert main(["check", "ucf_cc_50", str(ucf_cc_50), *options]) == 0
    told = capsys.readouterr().out
    assert "UCF_CC_50 fold 0, split test" in told
    assert "images      10" in told
    assert "dropped     10 heads" in told
    assert main(["check", "ucf_cc_50", str(ucf_cc_50), "--options", "incomplete=true", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {issue["kind"] for issue in report["issues"]} == {"outside", "incomplete"}
    assert main(["check", "ucf_cc_50", str(ucf_cc_50), "--options", "incomplete=true"]) == 0
    assert "of 40 images are not there, the first is" in capsys.readouterr().out


def test_what_is_not_published_is_told(
    tmp_path: Path, jpeg: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    jpeg(tmp_path / "images/0001.jpg", (10, 12))
    (tmp_path / "test.txt").write_text("0001\n")
    assert main(["check", "nwpu_crowd", str(tmp_path), "--split", "test"]) == 0
    assert "the heads of NWPU-Crowd, split test, are not published" in capsys.readouterr().out


def test_unknown_options_and_splits_are_told(ucf_cc_50: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "ucf_cc_50", str(ucf_cc_50), "--options", "folds=1"]) == 2
    assert "did you mean 'fold'" in capsys.readouterr().err
    assert main(["check", "ucf_cc_50", str(ucf_cc_50), "--split", "val"]) == 2
    assert "split: expected one of 'test', 'train'" in capsys.readouterr().err
