"""Checkpoints: everything a run needs to go on as if it had never stopped, written atomically."""

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import crowdkit
from crowdkit.errors import DataError


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
    """Give the state of torch's random numbers, on the CPU and all GPUs."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def restore_random_state(state: dict[str, Any]) -> None:
    """Put back what :func:`random_state` gave.

    Args:
        state: The states; those of GPUs are skipped when their number has changed.
    """
    torch.set_rng_state(state["cpu"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])


def versions() -> dict[str, str | None]:
    """Give the versions that a run used: crowdkit, its git commit if it is a checkout, torch and Python."""
    return {
        "crowdkit": crowdkit.__version__,
        "commit": _commit(),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }


def _commit() -> str | None:
    package = Path(crowdkit.__file__).resolve().parent
    command = ["git", "-C", str(package), "rev-parse", "--show-toplevel", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    top, _, head = done.stdout.strip().partition("\n")
    # An environment inside somebody else's checkout is not ours.
    return head if Path(top) == package.parent else None


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint so that a crash in the middle leaves the previous one whole.

    Args:
        path: The file.
        state: Tensors and plain values.
    """
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU, running no code from it.

    Args:
        path: The file.

    Returns:
        What was saved.

    Raises:
        DataError: If there is no such file or it is not a checkpoint.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(
            f"checkpoint: expected a file at {path}, got none; was the run ever started?"
        ) from error
    except Exception as error:  # torch raises a handful of kinds for broken files
        raise DataError(f"checkpoint: expected a crowdkit checkpoint, got {path}: {error}") from error
    if not isinstance(state, dict) or "position" not in state:
        raise DataError(f"checkpoint: expected a crowdkit checkpoint, got something else in {path}")
    return state
