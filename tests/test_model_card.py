"""The model card shows what the bundled weights' own card says; the scripts behind it run."""

import sys
from pathlib import Path

import pytest

from crowdkit.engine import card_text, config_from_dict, train
from crowdkit.models import weights_card

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def script():
    """Give the script that makes bundles, which is not part of the library."""
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks import bundle
    finally:
        sys.path.remove(str(ROOT))
    return bundle


def test_the_page_shows_the_card(script):
    page = script.PAGE.read_text(encoding="utf-8")
    assert page.count(script.BEGIN) == page.count(script.END) == 1
    assert script.with_card(page, script.shown()) == page


def test_the_script_bundles_a_run_and_fills_the_page(script, tmp_path):
    config = config_from_dict(
        {
            "data": {
                "dataset": "synthetic",
                "options": {"length": 40, "size": [64, 64], "people": [1, 9]},
                "crop": [32, 32],
                "negatives": 0.25,
                "val_fraction": 0.5,
            },
            "model": {"name": "mcnn"},
            "run": {"folder": str(tmp_path / "run"), "epochs": 1, "batch_size": 10, "device": "cpu"},
        }
    )
    train(config, progress=False)
    page = tmp_path / "page.md"
    page.write_text(f"# Above\n\n{script.BEGIN}\nold\n{script.END}\n\nBelow.\n")
    places = ["--out", str(tmp_path / "out"), "--page", str(page), "--device", "cpu"]
    text = script.main([str(tmp_path / "run"), "--name", "drawn", *places])
    assert page.read_text() == f"# Above\n\n{script.BEGIN}\n{text}\n{script.END}\n\nBelow.\n"
    card = weights_card(tmp_path / "out/drawn.json")
    assert card_text(card) == text
    # The mean count of held-out images of nobody stands beside the figures.
    assert [each["people"] == 0 for each in card.validation] == [False, True]
    assert "nobody" in text


def test_flags_are_counted(shanghaitech, capsys):
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks import flags
    finally:
        sys.path.remove(str(ROOT))
    found = flags.main(["--root", str(shanghaitech), "--part", "A"])
    assert found["as they are"][1] == 2
    assert found["a quarter of the light"] == (2, 2)
    assert "| a quarter of the light | 2 of 2 | brightness 2" in capsys.readouterr().out
