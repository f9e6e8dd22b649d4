"""What a run writes about itself: one JSON line per event, and TensorBoard if it is installed."""

import json
import math
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from crowdkit.training.checkpoint import Position
from crowdkit.training.writing import naming, replacing


class MetricsLog:
    """Append events to ``metrics.jsonl`` in a run's folder, and their numbers to TensorBoard.

    Args:
        folder: The run's folder.
        position: Where the training begins: what a killed part of it wrote about later steps is taken away.
        enabled: Whether to write at all (one process of several does).
    """

    def __init__(self, folder: Path, position: Position, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._path = folder / "metrics.jsonl"
        self._board: Any = None
        if not enabled:
            return
        _cut(self._path, position)
        if find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=position.step + 1)

    def write(self, kind: str, numbers: Mapping[str, float | str | None], *, step: int) -> None:
        """Write one event.

        Args:
            kind: ``"train"`` or ``"validation"``, among others.
            numbers: What to say; whatever is not finite is written as null.
            step: The step it belongs to.
        """
        if not self._enabled:
            return
        clean = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in numbers.items()
        }
        line = json.dumps({"kind": kind, "step": step, "time": round(time.time(), 3), **clean})
        with naming(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        if self._board is not None:
            for key, value in clean.items():
                if isinstance(value, (int, float)):
                    self._board.add_scalar(f"{kind}/{key}", value, step)

    def close(self) -> None:
        """Finish writing."""
        if self._board is not None:
            self._board.close()


def _cut(path: Path, position: Position) -> None:
    """Keep the lines of a log that are from before a position."""
    if not path.exists():
        return
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if _is_before(line, position)]
    if len(kept) < len(lines):
        with replacing(path) as temporary:
            temporary.write_bytes(b"".join(kept))


def _is_before(line: bytes, position: Position) -> bool:
    try:
        event = json.loads(line)
        last = position.validated if event["kind"] == "validation" else position.step
        return line.endswith(b"\n") and event["step"] <= last
    except (ValueError, KeyError, TypeError):
        return False  # half a line, from a process that was killed
