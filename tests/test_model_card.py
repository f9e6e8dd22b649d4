"""The model card shows what the bundled weights' own card says; the scripts behind it run."""

import json

from benchmarks import bundle, flags, training_log
from crowdkit.models import weights_card
from crowdkit.training import card_text, config_from_dict, train


def test_the_page_shows_the_card():
    page = bundle.PAGE.read_text(encoding="utf-8")
    assert page.count(bundle.BEGIN) == page.count(bundle.END) == 1
    assert bundle.with_card(page, bundle.shown()) == page


def test_the_script_bundles_a_run_and_fills_the_page(tmp_path):
    config = config_from_dict(
        {
            "data": {
                "dataset": "synthetic",
                "options": {"length": 40, "size": [64, 64], "people": [1, 9]},
                "crop": [32, 32],
                "empty_scenes": 0.25,
                "val_fraction": 0.5,
            },
            "model": {"name": "mcnn"},
            "run": {"folder": str(tmp_path / "run"), "epochs": 1, "batch_size": 10, "device": "cpu"},
        }
    )
    train(config, progress=False)
    page = tmp_path / "page.md"
    page.write_text(f"# Above\n\n{bundle.BEGIN}\nold\n{bundle.END}\n\nBelow.\n")
    places = ["--out", str(tmp_path / "out"), "--page", str(page), "--device", "cpu"]
    text = bundle.main([str(tmp_path / "run"), "--name", "drawn", *places])
    assert page.read_text() == f"# Above\n\n{bundle.BEGIN}\n{text}\n{bundle.END}\n\nBelow.\n"
    card = weights_card(tmp_path / "out/drawn.json")
    assert card_text(card) == text
    # The mean count of held-out images without people stands beside the figures.
    assert [each["people"] == 0 for each in card.validation] == [False, True]
    assert "empty scenes" in text
    _, _, heads, _, row = training_log.main([str(tmp_path / "run")]).splitlines()
    cells = dict(zip(heads.split(" | "), row.split(" | "), strict=True))
    last = json.loads((tmp_path / "run/metrics.jsonl").read_text().splitlines()[-1])
    assert (cells["MAE"], cells["SSIM"]) == (f"{last['mae']:.1f}", f"{last['ssim']:.3f}")


def test_flags_are_counted(shanghaitech, capsys):
    found = flags.main(["--root", str(shanghaitech), "--part", "A"])
    assert found["as they are"][1] == 2
    assert found["a quarter of the light"] == (2, 2)
    assert "| a quarter of the light | 2 of 2 | brightness 2" in capsys.readouterr().out
