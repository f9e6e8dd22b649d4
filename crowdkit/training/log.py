"""What a run writes about itself: one JSON line an event, and TensorBoard if it is installed."""

import json
import math
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class MetricsLog:
    """Append events to ``metrics.jsonl`` in a run's folder, and their numbers to TensorBoard.

    Args:
        folder: The run's folder.
        enabled: Whether to write at all (one process of several does).
    """

    def __init__(self, folder: Path, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._path = folder / "metrics.jsonl"
        self._board: Any = None
        if enabled and find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / "tensorboard"))

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
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        if self._board is not None:
            for key, value in clean.items():
                if isinstance(value, (int, float)):
                    self._board.add_scalar(f"{kind}/{key}", value, step)

    def close(self) -> None:
        """Finish writing."""
        if self._board is not None:
            self._board.close()
