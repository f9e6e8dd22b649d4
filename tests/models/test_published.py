"""Checkpoints of every wrapping the field has used: read without running code, or refused in words."""

import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from crowdkit.errors import ArgumentError, DataError, MissingDependencyError, UnknownNameError
from crowdkit.models import load_published
from crowdkit.models.published import load_exact, read_published

STATE = {
    "branch.0.weight": torch.arange(6.0).reshape(2, 3),
    "branch.0.bias": torch.tensor([0.5, -0.5]),
    "norm.num_batches_tracked": torch.tensor(7),
}


def arrays() -> dict[str, np.ndarray]:
    return {key: value.numpy() for key, value in STATE.items()}


def as_npz_in_a_zip(path: Path) -> None:
    np.savez(path.parent / "inner.npz", **arrays())
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(path.parent / "inner.npz", "weights/inner.npz")


def as_hdf5(path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for key, value in arrays().items():
            file[key] = value


def as_nested_hdf5(path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for key, value in arrays().items():
            file["/".join(key.split("."))] = value


def as_npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays())


WRITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "plain": ("a.pth", lambda path: torch.save(STATE, path)),
    "before 1.6": ("a.pth", lambda path: torch.save(STATE, path, _use_new_zipfile_serialization=False)),
    "a training checkpoint": (
        "a.pth.tar",
        # The best error of 2018's scripts is a NumPy number.
        lambda path: torch.save({"epoch": 3, "best_prec1": np.float64(66.4), "state_dict": STATE}, path),
    ),
    "data parallel": (
        "a.pth",
        lambda path: torch.save({"net": {f"module.{key}": value for key, value in STATE.items()}}, path),
    ),
    "wrapped twice": (
        "a.pth",
        lambda path: torch.save({f"CCN.module.{key}": value for key, value in STATE.items()}, path),
    ),
    "doubles": (
        "a.pth",
        lambda path: torch.save(
            {k: v.double() if v.is_floating_point() else v for k, v in STATE.items()}, path
        ),
    ),
    "npz": ("a.npz", as_npz),
    "npz of another suffix": ("weights.zip", as_npz),
    "npz in a zip": ("a.zip", as_npz_in_a_zip),
    "hdf5": ("a.h5", as_hdf5),
    "nested hdf5": ("a.hdf5", as_nested_hdf5),
    "safetensors": ("a.safetensors", lambda path: save_file(STATE, path)),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_wrapping_gives_the_same_tensors(kind: str, tmp_path: Path) -> None:
    name, write = WRITERS[kind]
    write(tmp_path / name)
    found = read_published(tmp_path / name, prefixes=("CCN.",))
    assert sorted(found) == sorted(STATE)
    for key, value in STATE.items():
        assert found[key].dtype == value.dtype
        assert torch.equal(found[key], value), key


def test_a_prefix_that_some_keys_lack_is_part_of_the_names(tmp_path: Path) -> None:
    torch.save({"module.a": torch.ones(1), "b": torch.ones(1)}, tmp_path / "a.pth")
    assert sorted(read_published(tmp_path / "a.pth")) == ["b", "module.a"]


class Evil:
    """What a pickle can do: call a function when it is read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("code from the file",))


@pytest.mark.parametrize("kind", ["pth", "legacy", "npz"])
def test_no_code_runs(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"evil.{kind}"
    if kind == "npz":
        with path.open("wb") as file:
            np.savez(file, weight=np.array([Evil()], dtype=object))
    else:
        torch.save({"state_dict": STATE, "x": Evil()}, path, _use_new_zipfile_serialization=kind == "pth")
    with pytest.raises(DataError, match=r"weights: expected a .* got an unreadable file"):
        read_published(path)
    assert "code from the file" not in capsys.readouterr().out


def test_numpy_numbers_are_known_while_reading_alone(tmp_path: Path) -> None:
    torch.save({"best": np.float64(1), **STATE}, tmp_path / "a.pth")
    with torch.serialization.safe_globals([np.dtype]):  # the user's own
        before = torch.serialization.get_safe_globals()
        read_published(tmp_path / "a.pth")
        assert set(torch.serialization.get_safe_globals()) == set(before)


def test_a_missing_h5py_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'crowdkit\[published\]'"):
        read_published(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (Path.exists, "expected a file, got .* which does not exist"),
        (lambda path: path.write_bytes(b"no weights"), "got an unreadable file"),
        (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64)), "got an unreadable file"),
        (lambda path: path.write_bytes(pickle.dumps([1])), "got an unreadable file"),
        (lambda path: torch.save([torch.ones(1)], path), "expected a state dictionary in .*, got list"),
        (lambda path: torch.save({"epoch": 3}, path), "expected tensors by name in .*, got none"),
    ],
)
def test_a_file_without_weights_is_told(
    write: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    pytest.importorskip("h5py")
    write(tmp_path / "a.pth")
    with pytest.raises(DataError, match=message):
        read_published(tmp_path / "a.pth")


def small() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


def test_fill_copies_everything() -> None:
    theirs, ours = small(), small()
    state = {f"net.{key}": torch.rand_like(value.float()) for key, value in theirs.state_dict().items()}
    del state["net.1.num_batches_tracked"]  # files from before PyTorch 0.4.1
    load_exact(ours, state, path="x", rename=lambda key: f"net.{key}")
    for key, value in ours.state_dict().items():
        assert torch.equal(value, state.get(f"net.{key}", torch.tensor(0))), key


def test_fill_lists_all_that_does_not_fit_and_changes_nothing() -> None:
    model = small()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state: dict[str, Tensor] = {f"net.{key}": torch.rand_like(v.float()) for key, v in before.items()}
    state["net.0.weight"] = torch.rand(2, 3, 3, 3)
    state["net.0.bias"] = torch.rand(3)
    state["head.weight"] = state.pop("net.1.bias")
    with pytest.raises(DataError) as told:
        load_exact(model, state, path="some.pth", rename=lambda key: f"net.{key}")
    assert str(told.value) == (
        "weights: expected the published Sequential in some.pth, got 1 missing: net.1.bias; "
        "1 unexpected: head.weight; 2 of another shape: net.0.weight (expected (2, 1, 3, 3), got (2, 3, 3, 3)), "
        "net.0.bias (expected (2,), got (3,))"
    )
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_names_are_told() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'mcnn'"):
        load_published("mcn", "x")
    with pytest.raises(UnknownNameError, match=r"keyword of sanet.load_published.*did you mean 'trained_on'"):
        load_published("sanet", "x", trained_in="sha")
    with pytest.raises(
        ArgumentError, match=r"with published weights \(.*'csrnet', .*'mcnn'.*\), got 'cfanet'"
    ):
        load_published("cfanet", "x")
