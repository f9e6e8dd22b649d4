"""Checkpoints as the original repositories released them: read without running code, and matched by name."""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile, is_zipfile

import torch
from torch import Tensor, nn

from crowdkit.errors import DataError, MissingDependencyError
from crowdkit.layers import read_weights, without_shared_prefix

_HDF5 = b"\x89HDF\r\n\x1a\n"


def read_published(path: str | Path, *, prefixes: Sequence[str] = ()) -> dict[str, Tensor]:
    """Read the tensors of a checkpoint from any known container. Runs no code from the file.

    The content decides, not the suffix: a PyTorch file of any age (``.pth``, ``.pth.tar``, ``.pt``), including one
    whose weights are under ``state_dict`` or a similar key; HDF5; NumPy's ``.npz``, also inside a zip file. Only
    safetensors is recognized by its suffix.

    Args:
        path: The file.
        prefixes: Wrappers' names that may stand before every key, each with its dot. Any other that all keys share
            goes too, such as ``module.`` of data parallelism and ``_orig_mod.`` of a compiled model.

    Returns:
        Tensors by key, without prefixes; in float32 where they are floating point.

    Raises:
        DataError: If the file is missing, unreadable, or holds no tensors.
        MissingDependencyError: If it is HDF5 and h5py does not import.
    """
    file = Path(path)
    try:
        state = _read(file)
    except (DataError, MissingDependencyError):
        raise
    except Exception as error:  # each format raises its own types
        raise DataError(
            f"weights: expected a checkpoint in {path}, got an unreadable file ({error})"
        ) from error
    if not state:
        raise DataError(f"weights: expected tensors by name in {path}, got none")
    return without_shared_prefix(_without_prefixes(state, ("module.", *prefixes)))


def load_exact(
    model: nn.Module,
    state: dict[str, Tensor],
    *,
    path: str | Path,
    rename: Callable[[str], str] = str,
    kind: str = "published",
) -> None:
    """Copy the tensors of a file into a model, all or none.

    Args:
        model: The model whose parameters and persistent buffers are set.
        state: Published tensors by their original keys.
        path: The file they come from, for the message.
        rename: Returns the published name of a key of the model.
        kind: The kind of content, for the message.

    Raises:
        DataError: If any tensor is missing, unexpected or of another shape; the message lists all of them by
            their published names.
    """
    own = model.state_dict()
    names = {key: rename(key) for key in own}
    # PyTorch before 0.4.1 did not count batches; only a cumulative average reads the count.
    missing = [
        name for key, name in names.items() if name not in state and not key.endswith("num_batches_tracked")
    ]
    unexpected = sorted(set(state) - set(names.values()))
    wrong = [
        f"{name} (expected {tuple(own[key].shape)}, got {tuple(state[name].shape)})"
        for key, name in names.items()
        if name in state and state[name].shape != own[key].shape
    ]
    if missing or unexpected or wrong:
        found = (("missing", missing), ("unexpected", unexpected), ("of another shape", wrong))
        told = "; ".join(f"{len(keys)} {kind}: {', '.join(keys)}" for kind, keys in found if keys)
        raise DataError(f"weights: expected the {kind} {type(model).__name__} in {path}, got {told}")
    with torch.no_grad():
        for key, name in names.items():
            if name in state:
                own[key].copy_(state[name])


def _read(file: Path) -> dict[str, Tensor]:
    if not file.is_file() or file.suffix == ".safetensors":
        return read_weights(file)
    with file.open("rb") as opened:
        magic = opened.read(len(_HDF5))
    if magic == _HDF5:
        return _read_hdf5(file)
    if is_zipfile(file):
        with ZipFile(file) as archive:
            names = archive.namelist()
            if names and all(name.endswith(".npy") for name in names):
                return _read_npz(file)
            inner = [name for name in names if name.endswith(".npz")]
            if len(inner) == 1:
                with archive.open(inner[0]) as opened:
                    return _read_npz(opened)
    return read_weights(file)


def _read_npz(source: Path | IO[bytes]) -> dict[str, Tensor]:
    import numpy as np

    with np.load(source, allow_pickle=False) as arrays:
        return {key: _tensor(arrays[key]) for key in arrays.files}


def _read_hdf5(file: Path) -> dict[str, Tensor]:
    try:
        h5py: Any = import_module("h5py")
    except ImportError as error:
        raise MissingDependencyError(
            f"h5py: expected it to import, to read the HDF5 file {file}, got {error}; "
            "pip install 'crowdkit[published]'"
        ) from error
    state: dict[str, Tensor] = {}

    def collect(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            state[name.replace("/", ".")] = _tensor(item[()])

    with h5py.File(file, "r") as opened:
        opened.visititems(collect)
    return state


def _tensor(array: Any) -> Tensor:
    tensor = torch.as_tensor(array)
    return tensor.float() if tensor.is_floating_point() else tensor


def _without_prefixes(state: dict[str, Tensor], prefixes: Sequence[str]) -> dict[str, Tensor]:
    while True:
        found = [each for each in prefixes if all(key.startswith(each) for key in state)]
        if not found:
            return state
        state = {key.removeprefix(found[0]): value for key, value in state.items()}
