"""A checkpoint is whole or refused, and the one before it stays until the new one is proved."""

import random
import resource
import struct
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from crowdkit.errors import DataError
from crowdkit.training import checkpoint
from crowdkit.training.checkpoint import load_checkpoint, older, save_checkpoint


@pytest.fixture
def state():
    """A checkpoint of the least that there is, with every part that one has."""
    return {
        "config": {"run": {"epochs": 1}},
        "position": {
            "epoch": 1,
            "batch": 2,
            "step": 3,
            "best_error": 0.5,
            "best_mae": float("inf"),
            "best_epoch": None,
            "validated": 0,
        },
        "model": {"weight": torch.arange(6.0).view(2, 3), "none": torch.zeros(0), "one": torch.tensor(3)},
        "average": None,
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"betas": (0.9, 0.99)}]},
        "scaler": {},
        "random": [{"cpu": torch.zeros(4, dtype=torch.uint8), "cuda": []}],
        "meters": [{"sums": torch.zeros(5), "steps": 0}],
        "level_edges": [0.1, 0.2],
        "world": 1,
        "versions": {"crowdkit": "0", "commit": None},
    }


@contextmanager
def _full_disk(limit):
    """Let no file grow beyond a size, as on a disk without room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _step(path):
    return load_checkpoint(path)["position"]["step"]


def test_what_is_saved_is_loaded(tmp_path, state):
    path = tmp_path / "last.pt"
    save_checkpoint(path, state)
    found = load_checkpoint(path)
    assert found["position"] == state["position"]
    assert found["optimizer"]["param_groups"] == state["optimizer"]["param_groups"]
    assert all(torch.equal(found["model"][name], each) for name, each in state["model"].items())
    assert [each.name for each in tmp_path.iterdir()] == ["last.pt"]
    state["position"]["step"] = 4
    save_checkpoint(path, state)
    assert (_step(path), _step(older(path))) == (4, 3)


@pytest.mark.parametrize("limit", [0, 100, 3000])
def test_a_full_disk_names_the_file_and_leaves_the_old_one(tmp_path, state, limit):
    path = tmp_path / "last.pt"
    save_checkpoint(path, state)
    state["position"]["step"] = 4
    state["model"]["weight"] = torch.rand(100, 100)
    with _full_disk(limit), pytest.raises(OSError, match=r"File too large.*last\.pt"):
        save_checkpoint(path, state)
    assert _step(path) == 3
    assert [each.name for each in tmp_path.iterdir()] == ["last.pt"]


def test_what_is_not_read_as_it_was_written_replaces_nothing(tmp_path, state, monkeypatch):
    path = tmp_path / "last.pt"
    save_checkpoint(path, state)
    real = torch.save

    def save(value, file):
        real({**value, "model": {**value["model"], "one": torch.tensor(4)}}, file)

    monkeypatch.setattr(torch, "save", save)
    with pytest.raises(DataError, match="damaged"):
        save_checkpoint(path, state)
    assert int(load_checkpoint(path)["model"]["one"]) == 3
    assert [each.name for each in tmp_path.iterdir()] == ["last.pt"]


def test_no_flipped_bit_changes_what_is_loaded(tmp_path, state):
    path, damaged = tmp_path / "last.pt", tmp_path / "damaged.pt"
    save_checkpoint(path, state)
    whole, expected = path.read_bytes(), checkpoint._hash(load_checkpoint(path))
    generator = random.Random(0)
    refusals = []
    for _ in range(500):
        content = bytearray(whole)
        content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        damaged.write_bytes(content)
        try:
            found = load_checkpoint(damaged)
        except DataError as error:
            refusals.append(str(error))
        else:
            assert checkpoint._hash(found) == expected  # a bit that nobody reads: of a date, of padding
    assert len(refusals) > 100
    assert all(str(damaged) in each and "\n" not in each and "weights_only" not in each for each in refusals)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("optimizer"), "none for optimizer"),
        (lambda state: state.update(model=[1]), "none for model"),
        (lambda state: state.update(surprise=1), "none for surprise"),
        (lambda state: state["position"].pop("step"), "none for position"),
        (lambda state: state["position"].update(step=-1), "none for position"),
        (lambda state: state["position"].update(step="many"), "none for position"),
        (lambda state: state.pop("position"), "something else"),
        (lambda state: state.update(sha256="0" * 64), "damaged"),
    ],
)
def test_what_is_no_checkpoint_is_described(tmp_path, state, change, message):
    path = tmp_path / "other.pt"
    change(state)
    torch.save(state, path)
    with pytest.raises(DataError, match=message) as refusal:
        load_checkpoint(path)
    assert len(str(refusal.value).splitlines()) == 1


def test_files_of_other_kinds(tmp_path):
    with pytest.raises(DataError, match="ever started"):
        load_checkpoint(tmp_path / "none.pt")
    for content in (b"", b"nonsense", struct.pack("<I", 0x04034B50) + bytes(100)):
        (tmp_path / "bad.pt").write_bytes(content)
        with pytest.raises(DataError, match="expected a crowdkit checkpoint"):
            load_checkpoint(tmp_path / "bad.pt")
    Path(tmp_path / "folder.pt").mkdir()
    with pytest.raises(DataError, match="got none"):
        load_checkpoint(tmp_path / "folder.pt")


def test_a_checkpoint_without_a_hash_is_an_older_one(tmp_path, state):
    del state["meters"]
    torch.save(state, tmp_path / "last.pt")
    assert _step(tmp_path / "last.pt") == 3
