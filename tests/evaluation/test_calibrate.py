import json

import pytest
import torch

from crowdkit.calibration import read_calibration, write_calibration
from crowdkit.counting import open_model, predict
from crowdkit.data import SyntheticCrowd
from crowdkit.errors import ArgumentError, ConfigError, DataError
from crowdkit.evaluation import _evaluate, calibrate, calibrate_results, evaluate
from crowdkit.models import CrowdModel, create_model, weights, weights_card
from crowdkit.prediction import Prediction
from crowdkit.training import bundle, card_text, train
from crowdkit.training.bundling import _in_halves

SCENES = SyntheticCrowd(20, size=(64, 96), people=(0, 30), split="val")


class Share(CrowdModel):
    """Counts the light, whatever it is of."""

    name, stride = "share", 4

    def __init__(self, factor=0.01):
        super().__init__()
        self.config = {}
        self.factor = torch.nn.Parameter(torch.tensor(factor))

    def forward(self, images):
        return Prediction(torch.nn.functional.avg_pool2d(images[:, :1], 4, ceil_mode=True) * self.factor)


@pytest.fixture(scope="module")
def found():
    return calibrate(Share(), [SCENES, SCENES], [SCENES], zoom=(0.5, 2.0), device="cpu")


def test_every_image_is_counted_once(found):
    assert [row.people for row in found.held_out] == [SCENES.count(index) for index in range(20)]
    counts = [seen.count for seen in predict(Share(), [s.image for s in SCENES], device="cpu")]
    assert [row.estimate for row in found.held_out] == pytest.approx(counts, abs=1e-3)
    assert found.held_out[3].name == f"SyntheticCrowd/{SCENES.names[3]}"
    assert (found.interval.images, found.domain.images) == (20, 40)
    assert found.domain.bounds["megapixels"] == pytest.approx((64 * 96 / 4e6, 64 * 96 * 4e-6))


def test_results_with_traits_spare_the_pass(found):
    result = evaluate(Share(), SCENES, traits=True, device="cpu")
    assert calibrate_results([result, result], [result], zoom=(0.5, 2.0)) == found
    assert evaluate(Share(), SCENES, device="cpu").traits == ()
    with pytest.raises(
        ArgumentError, match=r"traits of the 20 images of SyntheticCrowd, got 0; evaluate with"
    ):
        calibrate_results([result], [evaluate(Share(), SCENES, device="cpu")])


def test_a_held_out_image_that_was_seen_is_not_unusual(found):
    assert found.outside == 0
    assert found.measure() == ()  # 20 images cannot be halved


def test_predict_tells_interval_and_what_is_unusual(found):
    images = [SCENES[0].image, SCENES[0].image * 0.1]
    usual, dark = predict(Share(), images, calibration=found, device="cpu")
    assert usual.interval == found.interval(usual.count)
    assert usual.unusual == ()
    assert any(each.startswith("brightness") for each in dark.unusual)
    [plain] = predict(Share(), images[:1], device="cpu")
    assert (plain.interval, plain.unusual) == (None, ())


def test_too_few_held_out_images_are_told_before_the_long_work():
    class Untouched(SyntheticCrowd):
        def __getitem__(self, index):
            raise AssertionError

    few = SyntheticCrowd(18, size=(32, 32), people=(0, 3))
    with pytest.raises(ArgumentError, match="at least 19"):
        calibrate(Share(), [Untouched(5, size=(32, 32))], [few], device="cpu")


def test_a_calibration_stays_with_its_weights(found, tmp_path):
    create_model("mcnn").save(tmp_path)
    assert read_calibration(tmp_path) is None
    path = write_calibration(found, tmp_path)
    assert read_calibration(tmp_path) == open_model(tmp_path).calibration == found
    create_model("mcnn").save(tmp_path)  # other random weights
    with pytest.raises(DataError, match="expected the calibration of the weights beside it"):
        read_calibration(tmp_path)
    path.write_text('{"interval": 3}')
    with pytest.raises(DataError, match="expected a calibration"):
        read_calibration(tmp_path)


@pytest.fixture(scope="module")
def run(make_tiny_config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundling")
    config = make_tiny_config(
        folder,
        {
            "data.options": {"length": 44, "size": [64, 80], "people": [1, 12]},
            "data.val_fraction": 0.5,
            "run.epochs": 1,
            "run.batch_size": 8,
        },
    )
    return train(config, progress=False).folder


def test_a_tiny_running_variance_stays_whole():
    from safetensors.torch import load

    state = {
        "running_var": torch.tensor([1e-7, 2.0]),
        "bias": torch.tensor([0.5, 1 / 3]),
        "n": torch.tensor(7),
    }
    kept = load(_in_halves(state))
    assert torch.equal(kept["running_var"], state["running_var"])
    assert (kept["bias"].dtype, kept["n"].dtype) == (torch.float16, torch.int64)


@pytest.fixture(scope="module")
def card(run, tmp_path_factory):
    return bundle(run, tmp_path_factory.mktemp("bundle"), name="drawn", notes="Drawn.", device="cpu")


def test_a_bundle_is_small_and_counts_as_the_run_does(run, card):
    whole, small = run / "best/model.safetensors", card.folder / card.file
    assert small.stat().st_size < 0.6 * whole.stat().st_size
    opened = open_model(card.folder / "drawn.json")
    image = SyntheticCrowd(1, size=(64, 80), people=(9, 9), split="test")[0].image
    with torch.no_grad():
        ours, theirs = (model(image[None]).count for model in (opened.model, open_model(run).model))
    torch.testing.assert_close(ours, theirs, rtol=5e-3, atol=1e-3)
    assert opened.title == "drawn (cfanet_lite)"
    for key, value in open_model(run).model.state_dict().items():
        if "running" in key:
            torch.testing.assert_close(opened.model.state_dict()[key], value, rtol=1e-3, atol=0)
    assert opened.model.config == {**open_model(run).model.config}


def test_each_image_is_inferred_once(run, tmp_path, monkeypatch):
    seen, predict_density = [], _evaluate.predict_density
    monkeypatch.setattr(
        _evaluate,
        "predict_density",
        lambda model, image, **options: (
            seen.append(image.sum().item()) or predict_density(model, image, **options)
        ),
    )
    bundle(run, tmp_path, name="drawn", device="cpu")
    assert len(seen) == len(set(seen)) == 22 + 22


def test_its_card_says_what_was_measured(run, card):
    assert weights_card(card.folder / "drawn.json") == card
    assert (card.model, card.seed, card.data[0]["images"], card.data[0]["held_out"]) == (
        "cfanet_lite",
        0,
        22,
        22,
    )
    [figures] = card.validation
    # What ships was measured, not what it was rounded from.
    calibration = open_model(card.folder / "drawn.json").calibration
    errors = [abs(row.estimate - row.people) for row in calibration.held_out]
    assert figures["mae"] == pytest.approx(sum(errors) / 22, abs=1e-3)
    low, high = figures["mae_interval"]
    assert low < figures["mae"] < high
    assert figures["mae_of_the_mean"] > 0
    assert str(run) not in json.dumps(card.recipe)
    text = card_text(card)
    spread = f"| MAE, 90 % bootstrap interval | {low:.2f} to {high:.2f} |"
    for part in (
        card.sha256,
        spread,
        f"| MAE | {figures['mae']:.2f} |",
        "Drawn.",
        "fitted on 22 held-out images",
    ):
        assert part in text


def test_the_same_run_gives_the_same_bytes(run, card, tmp_path):
    bundle(run, tmp_path, name="drawn", notes="Drawn.", device="cpu")
    for name in ("drawn.json", "drawn.safetensors"):
        assert (tmp_path / name).read_bytes() == (card.folder / name).read_bytes()


def test_a_run_that_went_on_from_a_bundle_says_so(make_tiny_config, card, tmp_path):
    config = make_tiny_config(
        tmp_path / "run",
        {
            "data.options": {"length": 44, "size": [64, 80], "people": [1, 12]},
            "data.val_fraction": 0.5,
            "run.epochs": 1,
            "run.batch_size": 8,
            "model.options": {"weights": str(card.folder / "drawn.json")},
        },
    )
    second = bundle(train(config, progress=False).folder, tmp_path, name="second", device="cpu")
    assert second.encoder == f"{card.encoder}, and went on from drawn of {card.sha256[:8]}"
    assert second.recipe["model"]["options"]["weights"] == "drawn.json"
    assert second.options == card.options


def test_what_does_not_fit_into_halves_is_told(run, tmp_path):
    import shutil

    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    model = open_model(run).model
    with torch.no_grad():
        model.dme.final.weight[0, 0] = 1e6
    model.save(copy / "best")
    with pytest.raises(DataError, match=r"expected dme\.final\.weight to fit into torch\.float16"):
        bundle(copy, tmp_path / "out", name="large", device="cpu")
    create_model("cfanet_lite", encoder="test_efficientnet", encoder_strides=(16, 8, 4), dle_widths=(8,) * 3,
                 crr_widths=(8,) * 3, dme_widths=(8,) * 3, levels=3).save(copy / "best")  # fmt: skip
    bundle(copy, tmp_path / "out", name="same", device="cpu")
    saved = json.loads((copy / "best/config.json").read_text())
    saved["config"]["dilation"] = 1
    (copy / "best/config.json").write_text(json.dumps(saved))
    with pytest.raises(ConfigError, match="other dilation"):
        bundle(copy, tmp_path / "out", name="other", device="cpu")


def test_models_are_opened_by_what_users_say(run, card, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(weights, "BUNDLED", tmp_path / "none")
    with pytest.raises(ArgumentError, match="no trained weights are bundled"):
        open_model()
    monkeypatch.setattr(weights, "BUNDLED", card.folder)
    assert open_model("drawn").title == open_model(card.folder / "drawn.json").title
    assert open_model(run).title == open_model(run / "best").title == str(run / "best")
    assert (open_model("drawn").folder, open_model(run).folder) == (None, run / "best")
    with pytest.raises(DataError, match="got drwn, which does not exist; did you mean 'drawn'"):
        open_model("drwn")
    (tmp_path / "drawn").mkdir()
    assert open_model("drawn").calibration is not None
    with pytest.raises(DataError, match=r"config\.json"):
        open_model("./drawn")
