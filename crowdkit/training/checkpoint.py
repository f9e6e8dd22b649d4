"""Checkpoints: everything a run needs to go on as if it had never stopped, proved before the old one goes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path
from types import NoneType
from typing import Any

import torch
from torch import Tensor

from crowdkit.errors import DataError
from crowdkit.training.writing import replacing

# What a checkpoint holds; older ones have neither meters nor a hash.
_KINDS: Mapping[str, tuple[type, ...]] = {
    "config": (dict,),
    "position": (dict,),
    "model": (dict,),
    "average": (dict, NoneType),
    "optimizer": (dict,),
    "scaler": (dict,),
    "random": (list,),
    "level_edges": (list, NoneType),
    "world": (int,),
    "versions": (dict,),
}
_LATER: Mapping[str, tuple[type, ...]] = {"meters": (list,), "sha256": (str,)}


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a training stands.

    Attributes:
        epoch: The epoch at hand, from 0.
        batch: Batches of it that are done.
        step: Steps done in all.
        best_error: Lowest validation error so far (:class:`~crowdkit.training.validation.Validation`).
        best_mae: The validation MAE there.
        best_epoch: After how many epochs it was measured, or none.
        validated: The step after which the last validation was.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best_error: float = float("inf")
    best_mae: float = float("inf")
    best_epoch: float | None = None
    validated: int = 0


def random_state() -> dict[str, Any]:
    """Return the state of torch's random numbers, on the CPU and all GPUs."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def restore_random_state(state: dict[str, Any]) -> None:
    """Put back what :func:`random_state` returned.

    Args:
        state: The states; those of GPUs are skipped when their number has changed.
    """
    torch.set_rng_state(state["cpu"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint, read it back, and only then let it take the place of the one before.

    The one before stays beside it as ``NAME.old.pt``, for :func:`load_checkpoint`.

    Args:
        path: The file.
        state: Tensors and plain values.

    Raises:
        OSError: If it cannot be written, with the file's name; the one before is whole.
        DataError: If what was written is not what is read.
    """
    state = {key: _on_cpu(each) for key, each in state.items()}
    state["sha256"] = _hash(state)
    with replacing(path) as temporary:
        with temporary.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        _load(temporary)
        if path.exists():
            path.replace(older(path))


def older(path: Path) -> Path:
    """Return where the checkpoint before that of a path is kept."""
    return path.with_suffix(".old.pt")


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU, running no code from it; its tensors are read where they are used.

    Args:
        path: The file.

    Returns:
        What was saved.

    Raises:
        DataError: If there is no such file, or it is not a whole checkpoint.
    """
    if not path.is_file():
        raise DataError(f"checkpoint: expected a file at {path}, got none; was the run ever started?")
    return _load(path)


def _load(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # torch raises many kinds for broken files, with advice that is not ours
        raise DataError(
            f"checkpoint: expected a crowdkit checkpoint, got a damaged file or another: {path}"
        ) from error
    if not isinstance(state, dict) or "position" not in state:
        raise DataError(f"checkpoint: expected a crowdkit checkpoint, got something else in {path}")
    _check_kinds(state, path)
    if "sha256" in state and state["sha256"] != _hash(state):
        raise DataError(f"checkpoint: expected the content that was saved, got a damaged file: {path}")
    return state


def _check_kinds(state: Mapping[str, Any], path: Path) -> None:
    known = {**_KINDS, **_LATER}
    wrong = [name for name in _KINDS if name not in state]
    wrong += [str(name)[:40] for name in state if name not in known]
    wrong += [name for name, kinds in known.items() if name in state and not isinstance(state[name], kinds)]
    names = {each.name for each in fields(Position)}
    position = state["position"]
    if isinstance(position, dict) and (
        set(position) != names
        or any(
            not isinstance(position[name], int) or position[name] < 0 for name in ("epoch", "batch", "step")
        )
    ):
        wrong.append("position")
    if wrong:
        raise DataError(
            f"checkpoint: expected the parts of a crowdkit checkpoint, got other or none for {', '.join(wrong[:5])} "
            f"in {path}"
        )


def _on_cpu(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, Mapping):
        return {key: _on_cpu(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_on_cpu(each) for each in value)
    return value


def _hash(state: Mapping[str, Any]) -> str:
    """Hash every tensor and every plain value but the hash itself."""
    found = sha256()

    def add(value: Any) -> None:
        if isinstance(value, Tensor):
            found.update(f"{value.dtype}{tuple(value.shape)}".encode())
            found.update(value.contiguous().flatten().view(torch.uint8).numpy().data)
        elif isinstance(value, dict):
            for key, each in value.items():
                found.update(f"{key!r}:".encode())
                add(each)
        elif isinstance(value, (list, tuple)):
            found.update(f"{type(value).__name__}{len(value)}".encode())
            for each in value:
                add(each)
        else:
            found.update(f"{value!r};".encode())

    add({key: each for key, each in state.items() if key != "sha256"})
    return found.hexdigest()
