"""Weights in the wrappers of today; objects beside them are passed over, and never run."""

import argparse
import collections
import os
import pathlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from crowdkit.errors import DataError
from crowdkit.layers import VGG16Encoder, read_weights
from crowdkit.models.published import read_published

STATE = {"a.weight": torch.arange(3.0), "b.bias": torch.ones(2)}


class AttributeDict(dict):  # type: ignore[type-arg]
    """As Lightning keeps its hyperparameters."""


class Settings:
    def __init__(self) -> None:
        self.names = ["a"]


class Names(list):  # type: ignore[type-arg]
    pass


WRAPPERS: dict[str, Any] = {
    "plain": STATE,
    "parallel": {f"module.{key}": each for key, each in STATE.items()},
    "compiled": {f"_orig_mod.{key}": each for key, each in STATE.items()},
    "compiled and parallel": {f"module._orig_mod.{key}": each for key, each in STATE.items()},
    "lightning": {
        "state_dict": {f"net.{key}": each for key, each in STATE.items()},
        "hyper_parameters": AttributeDict(lr=1e-3, layers=[1]),
        "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(1)}}}],
    },
    "any name": {"my_net": STATE, "epoch": 3, "optimizer": {"state": {0: {"step": torch.ones(1)}}}},
    "two levels": {"best": {"state_dict": STATE}, "args": argparse.Namespace(lr=1)},
    "objects": {
        "model": STATE,
        "settings": Settings(),
        "names": Names(["a"]),
        "losses": collections.defaultdict(list, train=[1.0]),
        "path": pathlib.PurePosixPath("runs/1"),
        "mae": [np.float32(3), np.int64(2)],
        "history": np.arange(3.0),
        "function": os.path.join,
    },
    "thop": {**STATE, "total_ops": torch.zeros(1), "a.total_params": torch.zeros(1)},
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kind", WRAPPERS)
def test_the_weights_are_found(kind: str, zipped: bool, tmp_path: Path) -> None:
    torch.save(WRAPPERS[kind], tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    found = read_published(tmp_path / "a.pth")
    assert sorted(found) == sorted(STATE)
    for key, value in STATE.items():
        torch.testing.assert_close(found[key], value)


def test_an_encoder_takes_its_own_keys_behind_a_prefix(tmp_path: Path) -> None:
    encoder = VGG16Encoder()
    torch.save({f"_orig_mod.{key}": each for key, each in encoder.state_dict().items()}, tmp_path / "a.pth")
    again = VGG16Encoder(tmp_path / "a.pth")
    torch.testing.assert_close(again.state_dict(), encoder.state_dict())
    torch.save(encoder.state_dict(), tmp_path / "a.pth")  # features. is no prefix
    VGG16Encoder(tmp_path / "a.pth")


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: path.touch(), "an empty file"),
        (lambda path: path.write_text("<!DOCTYPE html><title>Virus scan warning</title>"), "a web page"),
        (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "a Git LFS pointer"),
        (lambda path: path.write_text('{"model": 1}'), "JSON"),
        (
            lambda path: torch.save(nn.Linear(2, 2), path),
            r"a whole pickled object, torch\.nn\.modules\.linear",
        ),
        (lambda path: torch.save({"a": STATE, "b": STATE}, path), "got several, a, b"),
        (lambda path: path.write_bytes(b"no weights"), "an unreadable file"),
    ],
)
def test_what_is_no_weights_is_called_what_it_is(
    write: Callable[[Path], object], words: str, tmp_path: Path
) -> None:
    write(tmp_path / "a.pth")
    with pytest.raises(DataError, match=words) as caught:
        read_weights(tmp_path / "a.pth")
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    assert "\x1b" not in said
    assert "weights_only" not in said


class Evil:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.made = (function, arguments)

    def __reduce__(self) -> Any:
        return self.made


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("function", [os.system, os.mkdir, eval, exec, pathlib.Path.touch, pickle.loads])
def test_nothing_in_a_file_runs(function: Any, zipped: bool, tmp_path: Path) -> None:
    place = tmp_path / "ran"
    code = f"__import__('pathlib').Path({str(place)!r}).touch()"
    argument = {
        os.system: f"touch {place}",
        os.mkdir: str(place),
        pathlib.Path.touch: place,
        pickle.loads: pickle.dumps(Evil(os.mkdir, str(place))),
    }.get(function, code)
    torch.save(
        {"state_dict": STATE, "x": Evil(function, argument)},
        tmp_path / "a.pth",
        _use_new_zipfile_serialization=zipped,
    )
    try:
        assert sorted(read_weights(tmp_path / "a.pth")) == sorted(STATE)
    except DataError as error:
        assert "runs code" in str(error) or "unreadable" in str(error)  # noqa: PT017 (either is right)
    assert not place.exists()
