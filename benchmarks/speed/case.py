"""A line of the table: a baseline, what is ours, and what must hold between them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, NamedTuple

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
        once: Each side runs once in all, and that run gives everything (both take a minute or more).
        peak: Reads the memory from the result of a side that runs in a process of its own.
        work: How much one run does, of ``unit``: its rate stands beside the seconds.
        unit: What ``work`` counts, in words.
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
    once: bool = False
    peak: Callable[[Any], int | None] | None = None
    work: float | None = None
    unit: str = ""


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
        rate: How much is done a second, of ``unit``.
        unit: What the rate counts.
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
    rate: float | None = None
    unit: str = ""

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
    found = _once(case, device) if case.once else _in_turns(case, device, turns or case.turns)
    taken = found["seconds"]
    if case.ceiling is not None:
        found["of_ceiling"] = case.ceiling() / taken
    if case.work is not None:
        found |= {"rate": case.work / taken, "unit": case.unit}
    result = Measured(row=case.row, name=case.name, baseline=case.baseline, goal=case.goal, **found)
    if case.reached is None:
        return result
    return Measured(**{**result.as_dict(), "met": case.reached(result)})


def _in_turns(case: Case, device: torch.device, turns: int) -> dict[str, Any]:
    if case.plain is None:
        peak = _peak(case, case.fast, device)
        return {"peak": peak, "seconds": median(seconds(case.fast, device) for _ in range(turns))}
    found: dict[str, Any] = {}
    if case.agree is not None:
        found["agreement"] = case.agree(case.plain(), case.fast())
    found["peak"] = _peak(case, case.fast, device)
    if case.plain_once:
        plain = [seconds(case.plain, device)]
        times = [seconds(case.fast, device) for _ in range(turns)]
        ratios = [plain[0] / each for each in times]
    else:
        found["plain_peak"] = _peak(case, case.plain, device)
        pair = in_turns(case.plain, case.fast, turns=turns, device=device)
        times, plain, ratios = pair.fast, pair.plain, pair.ratios
    return found | {"seconds": median(times), "plain_seconds": median(plain)} | _spread(ratios)


def _once(case: Case, device: torch.device) -> dict[str, Any]:
    fast = _run(case, case.fast, device)
    found: dict[str, Any] = {"peak": fast.peak, "seconds": fast.seconds}
    if case.plain is None:
        return found
    plain = _run(case, case.plain, device)
    if case.agree is not None:
        found["agreement"] = case.agree(plain.result, fast.result)
    found |= {"plain_peak": plain.peak, "plain_seconds": plain.seconds}
    return found | _spread([plain.seconds / fast.seconds])


def _spread(ratios: list[float]) -> dict[str, float]:
    return {"ratio": median(ratios), "ratio_low": min(ratios), "ratio_high": max(ratios)}


def _peak(case: Case, call: Callable[[], Any], device: torch.device) -> int | None:
    return peak_bytes(call, device) if case.peak is None else case.peak(call())


class _Run(NamedTuple):
    result: Any
    seconds: float
    peak: int | None


def _run(case: Case, call: Callable[[], Any], device: torch.device) -> _Run:
    results: list[Any] = []
    taken: list[float] = []
    peak = peak_bytes(lambda: taken.append(seconds(lambda: results.append(call()), device)), device)
    return _Run(results[0], taken[0], peak if case.peak is None else case.peak(results[0]))
