"""The benchmarks run, on tiny settings."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

from crowdkit.data import Sample, read_image
from crowdkit.evaluation import evaluate
from crowdkit.models import create_model, load_model
from crowdkit.training import DataConfig, open_split

FOLDER = Path(__file__).parent.parent / "benchmarks"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"crowdkit_benchmark_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("loss", ["bsl", "mse"])
def test_fit_prints_its_verdict(loss: str, shanghaitech: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = load("fit")
    arguments = ["--root", str(shanghaitech), "--part", "A", "--images", "2", "--steps", "2", "--loss", loss]
    error = module.main(arguments)
    printed = capsys.readouterr().out
    assert error > 0
    assert f'"loss": "{loss}"' in printed
    assert '"reached": ' in printed


def test_robustness_measures_every_condition(
    shanghaitech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    create_model("mcnn").save(tmp_path / "model")
    module = load("robustness")
    arguments = [
        str(tmp_path / "model"),
        "--root",
        str(shanghaitech),
        "--device",
        "cpu",
        "--empty-scenes",
        "4",
    ]
    found = module.main([*arguments, "--wide", "1", "--widths", "60", "--json", str(tmp_path / "found.json")])
    written = json.loads((tmp_path / "found.json").read_text(), parse_constant=pytest.fail)
    assert written["empty_scenes"] == found["empty_scenes"]
    rows = {(each["condition"], each["dataset"]): each for each in written["conditions"]}
    assert len(rows) == 2 * len(module.CONDITIONS)
    images = open_split(DataConfig(root=str(shanghaitech), part="A"), "val")
    plain = evaluate(load_model(tmp_path / "model"), images, device="cpu")
    assert rows["as they are", "ShanghaiTech part_A"]["mae"] == pytest.approx(plain.mae, abs=1e-5)
    assert {each["people"] for key, each in rows.items() if key[1].endswith("A")} == {plain.people}
    assert rows["gray", "ShanghaiTech part_A"]["mae"] != rows["as they are", "ShanghaiTech part_A"]["mae"]
    assert [each["images"] for each in written["widths"]] == [1, 1]
    assert sum(each["images"] for each in found["empty_scenes"].values()) == 4
    printed = capsys.readouterr().out
    assert printed.count("ShanghaiTech part_B") == len(module.CONDITIONS) + 1
    assert "| drawn clutter |" in printed


def test_the_worst_maps_are_drawn_worst_first(shanghaitech: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    create_model("mcnn").save(tmp_path / "model")
    places = ["--root", str(shanghaitech), "--out", str(tmp_path / "maps.png")]
    module = load("worst_maps")
    lines = module.main([str(tmp_path / "model"), *places, "--worst", "2", "--middle", "0"])
    figures = [[float(each.split()[0].replace(",", "")) for each in line.split(" | ")[1:]] for line in lines]
    errors = [abs(counted - people) / (people + 5) for counted, people in figures]
    assert len(errors) == 2
    assert errors[0] >= errors[1] > 0
    assert read_image(tmp_path / "maps.png").shape[-1] > 3 * 240
    with pytest.raises(SystemExit):
        module.main([str(tmp_path / "model"), *places, "--cell", "30"])


def test_the_best_answer_turns_from_the_mean_into_all_or_nothing(tmp_path: Path) -> None:
    module = load("best_answer")
    speaks = [certainty for _, certainty in module.main(["--out", str(tmp_path / "best.png")])]
    assert speaks == sorted(speaks)  # squared error, then later and later in the training
    assert speaks[0] == pytest.approx(0.5, abs=0.01)
    assert speaks[-1] == pytest.approx(0.75, abs=0.03)
    assert read_image(tmp_path / "best.png").shape[0] == 3
    mean, *_, bsl = (module.best_answers(loss, torch.tensor([0.6])) for _, _, loss in module.LINES)
    assert mean.item() == pytest.approx(0.6, abs=0.01)
    assert bsl.item() < 0.01


def test_changes_are_those_that_are_named() -> None:
    module = load("robustness")
    image = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))
    sample = Sample(image, torch.tensor([[15.0, 10.0]]), {"name": "a"}, torch.tensor([4.0]))
    double, small = module.scaled(2.0)(sample), module.of_width(15)(sample)
    assert (double.image.shape, double.points.tolist(), double.sigma.tolist()) == (
        (3, 40, 60),
        [[30.0, 20.0]],
        [8.0],
    )
    assert (small.image.shape, small.points.tolist()) == ((3, 10, 15), [[7.5, 5.0]])
    gray = module.CONDITIONS["gray"](sample).image
    assert torch.equal(gray[0], gray[2])
    for name in ("JPEG quality 20", "blurred, sigma 2 px"):
        after = module.CONDITIONS[name](sample)
        assert 0.01 < float((after.image - image).abs().mean()) < 0.3
        assert torch.equal(after.image, module.CONDITIONS[name](sample).image)


def test_the_full_recipe_in_one_call_and_in_two(
    tmp_path: Path,
    jpeg: Callable[..., None],
    image_info: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "data" / "part_A" / "train_data"
    for number in range(1, 41):
        jpeg(folder / f"images/IMG_{number}.jpg", (20 + number % 5, 24))
        image_info(folder / f"ground-truth/GT_IMG_{number}.mat", [[3.0, 4.0], [9.0, 12.0]][: 1 + number % 2])
    module = load("full_cfanet")
    narrow = "crr_widths = [8, 8, 8], dle_widths = [8, 8, 8], dme_widths = [8, 8, 8]"
    small = f"{{encoder = 'test_efficientnet', encoder_strides = [16, 8, 4], levels = 3, {narrow}}}"
    settings = [
        "data.val_fraction=0.5",
        "data.crop=[48, 48]",
        "run.device=cpu",
        "run.epochs=4",
        "run.batch_size=2",
    ]
    settings += ["model.name=cfanet_lite", f"model.options={small}"]
    arguments = [f"--root={tmp_path}/data", "--part=A", "--minutes=1", "--measure=2", "--workers=0"]
    places = [f"--run={tmp_path}/run", f"--out={tmp_path}/out"]
    assert module.main([*arguments, *places, "--call-minutes=0.001", "--set", *settings]) == []
    printed = capsys.readouterr().out
    assert "images per second" in printed
    assert "call again with --resume" in printed
    module.PIECE = 1 << 16
    pieces = module.main([*arguments, *places, "--resume"])
    assert "validation, 20 images: MAE" in capsys.readouterr().out
    assert all(each.stat().st_size <= module.PIECE for each in pieces)
    assert len(pieces) > 1
    card = tmp_path / "out" / "cfanet_sha.json"
    (tmp_path / "out" / "cfanet_sha.safetensors").write_bytes(b"".join(each.read_bytes() for each in pieces))
    model = create_model("cfanet_lite", weights=card)
    run = load_model(tmp_path / "run" / "best")
    image = torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert float(model(image).count) == pytest.approx(float(run(image).count), rel=0.01)
    assert not (tmp_path / "run.measured").exists()
