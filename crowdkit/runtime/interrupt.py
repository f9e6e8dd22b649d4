"""Stop a training on Ctrl-C or SIGTERM after the current step, with a checkpoint."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self


class TrainingInterrupted(KeyboardInterrupt):
    """A training was stopped by Ctrl-C or SIGTERM and can be resumed from its folder."""


class StopRequest:
    """Record the first Ctrl-C or SIGTERM instead of terminating; a second one terminates.

    Signals reach the main thread only; in any other thread nothing is caught.
    """

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.received = False
        self._at_once = False
        self._held = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {each: signal.signal(each, self._note) for each in self._SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        again, self.received = self.received, True
        if (again or self._at_once) and not self._held:
            raise KeyboardInterrupt

    @contextmanager
    def raise_immediately(self) -> Iterator[None]:
        """Inside this context, a signal raises KeyboardInterrupt immediately."""
        self._at_once = True
        if self.received:
            raise KeyboardInterrupt
        try:
            yield
        finally:
            self._at_once = False

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Within this, no signal raises: a file is being written that must become whole."""
        self._held = True
        try:
            yield
        finally:
            self._held = False


def leave_signals_to_parent(_worker: int) -> None:
    """Make a loading process ignore the Ctrl-C of its terminal until its parent ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
