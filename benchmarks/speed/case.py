"""A line of the table: a baseline, what is ours, and what must hold between them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import torch

from benchmarks.speed.clock import in_turns, seconds
from benchmarks.speed.memory import peak_bytes

Agree = Callable[[Any, Any], dict[str, float]]


@dataclass(frozen=True)
class Case:
    """What one line measures.

    Attributes:
        row: The number of its row in the table.
        name: What is computed, with its size.
        fast: Ours.
        goal: What it must reach, in words.
        reached: Says whether a measurement reaches it; None where there is nothing to reach.
        plain: The baseline; None for a line that has seconds and memory alone.
        baseline: What the baseline is, in words.
        agree: From the results of both, figures of how far they are apart (largest difference, counts).
        ceiling: The seconds that the machine's own limit would need; None where no limit is known.
        turns: How often each is timed.
        plain_once: The baseline is timed once (it takes minutes).
    """

    row: int
    name: str
    fast: Callable[[], Any]
    goal: str = ""
    reached: Callable[["Measured"], bool] | None = None
    plain: Callable[[], Any] | None = None
    baseline: str = ""
    agree: Agree | None = None
    ceiling: Callable[[], float] | None = None
    turns: int = 7
    plain_once: bool = False


@dataclass(frozen=True)
class Measured:
    """What was found for a line; seconds are medians, ratios are turn by turn.

    Attributes:
        row: As in the case, like ``name``, ``baseline`` and ``goal``.
        ratio: Median of baseline / ours.
        ratio_low: The smallest turn's.
        ratio_high: The largest turn's.
        seconds: Ours.
        plain_seconds: The baseline's.
        peak: Bytes of ours at the worst.
        plain_peak: Bytes of the baseline at the worst.
        of_ceiling: Seconds of the machine's limit / ours.
        agreement: How far the results are apart.
        met: Whether the goal is reached; None where there is none.
    """

    row: int
    name: str
    baseline: str
    goal: str
    seconds: float
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    plain_seconds: float | None = None
    peak: int | None = None
    plain_peak: int | None = None
    of_ceiling: float | None = None
    agreement: dict[str, float] = field(default_factory=dict)
    met: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give all fields by name."""
        return asdict(self)


def measure(case: Case, *, device: torch.device, turns: int | None = None) -> Measured:
    """Run a case: agreement first, then memory, then time.

    Args:
        case: What to measure.
        device: Where it computes.
        turns: How often each side is timed; the case's own by default.

    Returns:
        What was found.
    """
    turns = turns or case.turns
    found: dict[str, Any] = {}
    if case.plain is None:
        peak = peak_bytes(case.fast, device)
        taken = median(seconds(case.fast, device) for _ in range(turns))
    else:
        if case.agree is not None:
            found["agreement"] = case.agree(case.plain(), case.fast())
        peak = peak_bytes(case.fast, device)
        if case.plain_once:
            found["plain_peak"] = None
            once = seconds(case.plain, device)
            times = [seconds(case.fast, device) for _ in range(turns)]
            plain, ratios = [once], [once / each for each in times]
        else:
            found["plain_peak"] = peak_bytes(case.plain, device)
            pair = in_turns(case.plain, case.fast, turns=turns, device=device)
            times, plain, ratios = pair.fast, pair.plain, pair.ratios
        taken = median(times)
        found |= {
            "plain_seconds": median(plain),
            "ratio": median(ratios),
            "ratio_low": min(ratios),
            "ratio_high": max(ratios),
        }
    if case.ceiling is not None:
        found["of_ceiling"] = case.ceiling() / taken
    named = {"row": case.row, "name": case.name, "baseline": case.baseline, "goal": case.goal}
    result = Measured(**named, seconds=taken, peak=peak, **found)
    if case.reached is None:
        return result
    return Measured(**{**result.as_dict(), "met": case.reached(result)})
