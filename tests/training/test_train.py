import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from crowdkit.data import list_photometric
from crowdkit.errors import ConfigError
from crowdkit.evaluation import evaluate
from crowdkit.models import load_model
from crowdkit.runtime import TrainingInterrupted
from crowdkit.targets import DensityScale, density_map
from crowdkit.training import (
    LossConfig,
    NonFiniteLossError,
    Trainer,
    build_loss,
    config_to_toml,
    load_config,
    open_split,
    open_splits,
    train,
    trainer,
)
from crowdkit.training.checkpoint import load_checkpoint
from crowdkit.training.feed import TrainingSet


def _equal(one, two):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(_equal(one[key], two[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(_equal(a, b) for a, b in zip(one, two, strict=True))
    return one == two


def _stop_after(patch, steps):
    """Ask the training to stop, as Ctrl-C does, after so many steps."""
    real, done = Trainer.step, []

    def step(*args):
        real(*args)
        done.append(1)
        if len(done) == steps:
            signal.raise_signal(signal.SIGINT)

    patch.setattr(Trainer, "step", step)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, make_tiny_config):
    """A run that was never stopped."""
    config = make_tiny_config(tmp_path_factory.mktemp("whole"))
    return config, train(config, progress=False)


def test_a_run_leaves_everything_behind(whole, events):
    config, result = whole
    assert result.finished
    assert (result.epochs, result.steps) == (2, 6)
    assert load_config(result.folder / "config.toml") == config
    assert [event["epoch"] for event in events(result.folder, "validation")] == [1, 2]
    assert all(event["loss"] > 0 for event in events(result.folder, "train"))
    state = load_checkpoint(result.folder / "last.pt")
    assert state["versions"]["torch"] == str(torch.__version__)
    assert len(state["level_edges"]) == 2
    model = load_model(result.folder / "best")
    assert model.config["level_edges"] == pytest.approx(state["level_edges"])
    again = evaluate(model, open_split(config.data, "val"), device="cpu")
    assert again.mae == pytest.approx(result.best_mae, abs=1e-6)
    assert again.split == "val"


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_resuming_equals_not_stopping(whole, tiny_config, tmp_path, monkeypatch, steps):
    config = tiny_config()
    with monkeypatch.context() as patch:
        _stop_after(patch, steps)
        with pytest.raises(TrainingInterrupted, match="--resume"):
            train(config, progress=False)
    stopped = load_checkpoint(tmp_path / "run" / "last.pt")["position"]
    assert stopped["step"] == steps
    torch.manual_seed(99)
    parts = train(config, resume=True, progress=False)
    assert (parts.best_mae, parts.best_epoch) == (whole[1].best_mae, whole[1].best_epoch)
    one, two = (load_checkpoint(result.folder / "last.pt") for result in (whole[1], parts))
    for part in ("model", "average", "optimizer", "random", "position", "level_edges"):
        assert _equal(one[part], two[part]), part


def test_with_everything_on_resuming_equals_not_stopping(
    tiny_config, shanghaitech, tmp_path, monkeypatch, events
):
    everything = {
        "data.dataset": "shanghaitech",
        "data.root": str(shanghaitech),
        "data.part": "AB",
        "data.options": {},
        "data.crop": [32, 32],
        "data.scale": [0.5, 2.0],
        "data.augment": dict.fromkeys(list_photometric(), 0.5),
        "data.empty_scenes": 0.3,
        "run.epochs": 1,
        "run.batch_size": 4,
        "run.validate_every": 0.5,
    }
    whole = train(tiny_config({**everything, "run.folder": str(tmp_path / "whole")}), progress=False)
    config = tiny_config({**everything, "run.keep_images": True})
    with monkeypatch.context() as patch:
        _stop_after(patch, 2)
        with pytest.raises(TrainingInterrupted, match="step 2 of 3"):
            train(config, progress=False)
    torch.manual_seed(99)
    parts = train(tiny_config(everything), resume=True, progress=False)
    assert parts.steps == whole.steps
    one, two = (load_checkpoint(result.folder / "last.pt") for result in (whole, parts))
    for part in ("model", "average", "optimizer", "random", "position", "level_edges"):
        assert _equal(one[part], two[part]), part
    told = events(whole.folder, "validation")
    best = min(told, key=lambda event: event["error"])
    assert (best["epoch"], best["mae"], best["error"]) == (whole.best_epoch, whole.best_mae, whole.best_error)
    model = load_model(whole.folder / "best")
    relative = []
    for name, images in zip("AB", open_splits(config.data, "val"), strict=True):
        found = evaluate(model, images, device="cpu")
        assert best[f"ShanghaiTech part_{name}/mae"] == pytest.approx(found.mae, abs=1e-6)
        relative.append(found.mae * found.images / found.people)
    assert best["error"] == pytest.approx(sum(relative) / 2, abs=1e-6)
    assert best["empty_scenes"] > 0


def test_validation_within_an_epoch_and_a_signal_in_it(tiny_config, monkeypatch, events):
    config = tiny_config({"run.validate_every": 0.34, "run.epochs": 1})
    real, calls = trainer.validate, []

    def validate_twice(*args, **options):
        calls.append(1)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGTERM)
        return real(*args, **options)

    monkeypatch.setattr(trainer, "validate", validate_twice)
    with pytest.raises(TrainingInterrupted, match="after step 2 of 3"):
        train(config, progress=False)
    train(config, resume=True, progress=False)
    assert [event["step"] for event in events(config.run.folder, "validation")] == [1, 2, 3]


def test_time_limit_stops_resumably(tiny_config):
    first = train(tiny_config({"run.time_limit": 1e-6}), progress=False)
    assert not first.finished
    assert first.steps == 1
    assert train(tiny_config(), resume=True, progress=False).finished


def test_folders_are_never_overwritten(tiny_config, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "precious.txt").write_text("mine")
    with pytest.raises(ConfigError, match="--resume"):
        train(tiny_config(), progress=False)
    with pytest.raises(ConfigError, match=r"last\.pt"):
        train(tiny_config(), resume=True, progress=False)


def test_resuming_something_else_is_refused(tiny_config):
    train(tiny_config({"run.time_limit": 1e-6}), progress=False)
    with pytest.raises(ConfigError, match=r"optim\.lr: 0\.001 -> 0\.5"):
        train(tiny_config({"optim.lr": 0.5, "run.workers": 1}), resume=True, progress=False)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_good_checkpoint(tiny_config, monkeypatch):
    real = Trainer.step

    def step(self, batch):
        if self.position.step == 4:
            batch = batch._replace(images=batch.images * float("nan"))
        real(self, batch)

    monkeypatch.setattr(Trainer, "step", step)
    with pytest.raises(NonFiniteLossError, match=r"lower optim\.lr"):
        train(tiny_config({"run.checkpoint_every": 0.0}), progress=False)
    state = load_checkpoint(Path(tiny_config().run.folder) / "last.pt")
    assert state["position"]["step"] == 4
    assert all(bool(each.isfinite().all()) for each in state["model"].values())


@pytest.mark.parametrize(
    "changes",
    [
        {"loss.name": "mse", "loss.options": {"expansion": 1000.0}, "run.precision": "bfloat16"},
        {"run.channels_last": True, "run.precision": "bfloat16"},
        {"loss.name": "bayesian", "loss.also": {"background_ratio": 0.1, "relative_count": 0.1}},
        {"loss.name": "graduated_bsl", "loss.also": {"graduated_bsl": 0.5}},
        {"run.precision": "float16", "optim.clip_norm": 0.0},
        {"optim.ema_decay": 0.0, "optim.schedule": "cosine", "data.sigma": 3, "data.crop": 1.0},
        {"model.options": {"encoder": "test_efficientnet", "crr": False, "dle": False}},
    ],
)
def test_other_settings_train(tiny_config, changes):
    result = train(tiny_config({**changes, "run.epochs": 1}), progress=False)
    assert result.finished
    assert result.best_epoch == 1


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ({"name": "bls"}, "loss: .*did you mean 'bsl'"),
        ({"options": {"expansio": 3.0}}, "keyword of bsl.*did you mean 'expansion'"),
        ({"options": {"expansion": -3.0}}, "expansion: expected a finite number > 0"),
        ({"options": {"reduction": "sum"}}, "expected no reduction"),
        ({"also": {"relative_coun": 0.1}}, "did you mean 'relative_count'"),
        ({"also": {"relative_count": -0.1}}, "weights: expected finite numbers >= 0"),
        ({"also": {"relative_count": {"weight": 0.1, "minimun": 9}}}, "did you mean 'minimum'"),
        ({"also": {"relative_count": {"minimum": 0.0}}}, "minimum: expected"),
    ],
)
def test_a_loss_that_is_not_is_told(loss, message):
    with pytest.raises(ConfigError, match=message):
        build_loss(LossConfig(**loss), stride=4, levels=None)


def test_a_loss_that_asks_for_the_density_has_it_measured(tiny_config):
    config = tiny_config({"data.sigma": 3.0})
    sources = open_splits(config.data, "train")
    crops = TrainingSet(sources, config.data, stride=4, seed=0)
    [images] = sources
    maps = [density_map(images[i].points, (64, 80), sigma=3.0, stride=4) for i in range(len(images))]
    measured = build_loss(LossConfig(name="graduated_bsl"), stride=4, levels=None, crops=crops).density_loss
    assert (measured.stride, measured.density) == (4, DensityScale.fit(maps, stride=4).crowd)
    given = LossConfig(name="graduated_bsl", options={"density": 0.5})
    assert build_loss(given, stride=4, levels=None, crops=crops).density_loss.density == 0.5


@pytest.mark.slow
def test_ctrl_c_from_outside_ends_the_command_resumably(tiny_config, tmp_path):
    config = tiny_config({"run.epochs": 10_000, "run.validate_every": 10_000})
    path = tmp_path / "config.toml"
    path.write_text(config_to_toml(config), encoding="utf-8")
    command = [sys.executable, "-m", "crowdkit.cli", "train", str(path)]
    log = Path(config.run.folder) / "metrics.jsonl"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not log.exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert "Traceback" not in error
    assert f"crowdkit train --run-folder {config.run.folder} --resume" in error
    steps = load_checkpoint(Path(config.run.folder) / "last.pt")["position"]["step"]
    assert steps >= json.loads(log.read_text().splitlines()[-1])["step"] > 0
