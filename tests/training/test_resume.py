"""What is left of a run that was killed, and who may go on with it."""

import json
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from crowdkit.errors import ConfigError, DataError
from crowdkit.models import load_model
from crowdkit.training import Trainer, checkpoint, load_config, train
from crowdkit.training.checkpoint import Position, load_checkpoint, older
from crowdkit.training.log import MetricsLog
from crowdkit.training.meter import Reading
from crowdkit.training.run_folder import RunFolder
from crowdkit.training.silence import SilenceWatch


@pytest.fixture(scope="module")
def finished(tmp_path_factory, make_tiny_config):
    config = make_tiny_config(tmp_path_factory.mktemp("finished"), {"run.validate_every": 0.34})
    train(config, progress=False)
    return config


@pytest.fixture
def run(finished, tmp_path, tiny_config):
    """A copy of a finished run, and the configuration that goes on with it."""
    shutil.copytree(finished.run.folder, tmp_path / "run")
    return tiny_config({"run.validate_every": 0.34})


def _events(folder):
    events = map(json.loads, (Path(folder) / "metrics.jsonl").read_text().splitlines())
    return [{key: value for key, value in event.items() if key != "time"} for event in events]


def _weights(folder):
    return load_checkpoint(Path(folder) / "last.pt")["model"]


def _equal(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


class KilledError(BaseException):
    """Stands for kill -9: nobody catches it."""


@pytest.mark.parametrize("steps", [2, 4])
def test_killed_at_any_step_weights_and_log_are_those_of_a_whole_run(
    finished, tiny_config, monkeypatch, steps
):
    config = tiny_config({"run.validate_every": 0.34})
    real = Trainer.step

    def step(self, batch):
        if self.position.step == steps:
            raise KilledError
        real(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", step)
        with pytest.raises(KilledError):
            train(config, progress=False)
    assert (Path(config.run.folder) / "last.pt").exists() == (steps > 3)  # an epoch is three steps
    assert len(_events(config.run.folder)) > steps - 1
    with (Path(config.run.folder) / "metrics.jsonl").open("a") as log:
        log.write('{"kind": "train", "st')
    train(config, resume=True, progress=False)
    assert _events(config.run.folder) == _events(finished.run.folder)
    assert _equal(_weights(config.run.folder), _weights(finished.run.folder))
    for name in ("config.json", "model.safetensors"):
        files = [Path(each.run.folder, "best", name).read_bytes() for each in (config, finished)]
        assert files[0] == files[1]


def test_killed_before_the_first_checkpoint_resuming_begins_anew(run, finished):
    folder = Path(run.run.folder)
    for name in ("last.pt", "last.old.pt", "metrics.jsonl"):
        (folder / name).unlink()
    with pytest.raises(ConfigError, match=r"optim\.lr"):
        train(load_config(folder / "config.toml", ["optim.lr=0.5"]), resume=True, progress=False)
    result = train(run, resume=True, progress=False)
    assert result.steps == 6
    assert _equal(_weights(folder), _weights(finished.run.folder))


def test_a_folder_where_a_training_was_killed_before_it_began_is_new(tiny_config, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/.lock").touch()
    (tmp_path / "run/config.toml.tmp").write_text("[da")
    assert train(tiny_config({"run.epochs": 1}), progress=False).finished


def test_a_damaged_checkpoint_gives_way_to_the_one_before(run, finished, caplog):
    last = Path(run.run.folder) / "last.pt"
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1
    last.write_bytes(content)
    assert load_checkpoint(older(last))["position"]["step"] == 3
    train(run, resume=True, progress=False)
    assert "going on from the one before" in caplog.text
    assert _equal(_weights(run.run.folder), _weights(finished.run.folder))
    assert _events(run.run.folder) == _events(finished.run.folder)
    last.write_bytes(content)
    older(last).write_bytes(content)
    with pytest.raises(DataError, match=r"damaged.*last\.old\.pt"):
        train(run, resume=True, progress=False)


def _rename(state):
    state["model"]["name"] = state["model"].pop(next(iter(state["model"])))


def _reshape(state):
    name = next(iter(state["model"]))
    state["model"][name] = torch.zeros(1)


def _other_moments(state):
    for value in state["optimizer"]["state"].values():
        value["exp_avg"] = torch.zeros(3, 3, 3, 3, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_rename, "weights of this model, got other names"),
        (_reshape, "weights of this model, got other names or shapes for 1"),
        (_other_moments, "optimizer of this model"),
        (lambda state: state["optimizer"].pop("param_groups"), "state of this run"),
        (lambda state: state["optimizer"]["param_groups"].pop(), "state of this run"),
        (lambda state: state["average"].pop("steps"), "state of this run"),
        (lambda state: state.update(average=None), "weights of this model"),
        (lambda state: state.update(random=[]), "state of this run"),
        (lambda state: state.update(random=[{"cpu": torch.zeros(3)}]), "state of this run"),
        (lambda state: state.update(meters=[{}]), "state of this run"),
    ],
)
def test_a_checkpoint_of_something_else_is_one_line(run, change, message):
    path = Path(run.run.folder) / "last.pt"
    state = dict(torch.load(path, weights_only=True))
    change(state)
    state["sha256"] = checkpoint._hash(state)
    torch.save(state, path)
    with pytest.raises(DataError, match=message) as refusal:
        train(run, resume=True, progress=False)
    assert len(str(refusal.value).splitlines()) == 1
    assert len(str(refusal.value)) < 300
    assert str(path) in str(refusal.value)


_HOLDER = """
import sys, time
from crowdkit.training.run_folder import RunFolder
folder = RunFolder(sys.argv[1])
folder.lock()
print("locked", flush=True)
time.sleep(600)
"""


def test_one_run_has_one_writer(run, tiny_config, tmp_path):
    for folder, resume in ((run.run.folder, True), (str(tmp_path / "new"), False)):
        command = [sys.executable, "-c", _HOLDER, folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
            try:
                assert holder.stdout.readline() == "locked\n"
                config = tiny_config({"run.validate_every": 0.34, "run.folder": folder})
                with pytest.raises(ConfigError, match="no other training writes"):
                    train(config, resume=resume, progress=False)
            finally:
                holder.kill()
        again = RunFolder(folder)
        again.lock()  # the lock of the dead is gone
        again.unlock()


def test_a_second_signal_while_saving_waits(tiny_config, monkeypatch):
    real = torch.save

    def save(*args, **keywords):
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
        real(*args, **keywords)

    monkeypatch.setattr(torch, "save", save)
    config = tiny_config({"run.checkpoint_every": 0.0})
    with pytest.raises(KeyboardInterrupt, match="stopped after step 2 of 6; go on with"):
        train(config, progress=False)
    assert load_checkpoint(Path(config.run.folder) / "last.pt")["position"]["step"] == 2


def test_a_full_disk_leaves_the_best_model_before(run):
    folder = RunFolder(run.run.folder)
    model = load_model(folder.best)
    (folder.best / "calibration.json").write_text("{}")  # of the weights before
    before = (folder.best / "model.safetensors").read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(OSError, match=r"File too large.*best/model\.safetensors"):
            folder.save_best(model)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert (folder.best / "model.safetensors").read_bytes() == before
    assert sorted(each.name for each in folder.best.iterdir()) == ["config.json", "model.safetensors"]


def test_the_best_model_is_there_at_every_moment(run, monkeypatch):
    folder = RunFolder(run.run.folder)
    model = load_model(folder.best)
    real, seen = Path.replace, []

    def replace(self, target):
        load_model(folder.best)
        found = real(self, target)
        load_model(folder.best)
        seen.append(Path(target).name)
        return found

    monkeypatch.setattr(Path, "replace", replace)
    folder.save_best(model)
    assert seen == ["model.safetensors", "config.json"]


def test_a_log_is_cut_where_the_training_goes_on(tmp_path):
    log = MetricsLog(tmp_path, Position())
    for step in (1, 2, 3):
        log.write("train", {}, step=step)
        log.write("validation", {}, step=step)
    log.close()
    MetricsLog(tmp_path, Position(step=2, validated=1), enabled=False).close()
    assert len(_events(tmp_path)) == 6
    MetricsLog(tmp_path, Position(step=2, validated=1)).close()
    assert [(event["kind"], event["step"]) for event in _events(tmp_path)] == [
        ("train", 1),
        ("validation", 1),
        ("train", 2),
    ]


def test_silence_is_noticed_once_and_not_where_nobody_is():
    watch = SilenceWatch()

    def read(estimate, people):
        return Reading(1.0, 1.0, 1.0, estimate=estimate, people=people, steps=20, finite=True)

    assert not any(watch.notices(read(0.0, 0.0)) for _ in range(9))
    told = [watch.notices(read(0.001, 10.0)) for _ in range(9)]
    assert told == [False] * 4 + [True] + [False] * 4
    assert not any(watch.notices(read(1.0, 10.0)) for _ in range(9))
    assert sum(watch.notices(read(0.0, 10.0)) for _ in range(9)) == 1


def test_a_training_that_sinks_to_silence_says_so(tiny_config, monkeypatch, caplog, events):
    monkeypatch.setattr("crowdkit.training.trainer._LOG_EVERY", 1)
    config = tiny_config({"run.epochs": 2, "run.validate_every": 2})
    real = Trainer.step

    def hush(_model, _images, prediction):
        return prediction._replace(density=prediction.density * 1e-6)

    def step(self, batch):
        with self.model.register_forward_hook(hush):
            real(self, batch)

    monkeypatch.setattr(Trainer, "step", step)
    train(config, progress=False)
    warnings = events(config.run.folder, "warning")
    assert [event["step"] for event in warnings] == [5]
    assert "relative_count" in warnings[0]["text"]
    assert caplog.text.count("silent") == 1


def test_the_line_that_goes_on_quotes_its_folder(tmp_path):
    folder = RunFolder(tmp_path / "my run")
    assert folder.resume_command == f"crowdkit train --run-folder '{tmp_path}/my run' --resume"
