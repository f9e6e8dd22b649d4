"""A line of the table: a baseline, our implementation, and the goal of their comparison."""

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
        name: The computation, with its size.
        fast: Our implementation.
        goal: The goal, in words.
        reached: Whether a measurement reaches the goal; None if there is no goal.
        plain: The baseline; None for a line that only has seconds and memory.
        baseline: A description of the baseline.
        agree: Returns figures of how much the two results differ (largest difference, counts).
        ceiling: The seconds that the machine's own limit allows; None where no limit is known.
        turns: Number of timings of each side.
        plain_once: Whether the baseline is timed only once (it takes minutes).
        once: Whether each side runs only once, for all measurements (both take a minute or more).
        peak: Reads the memory from the result of a side that runs in a separate process.
        work: Amount of work of one run, in ``unit``: its rate is shown beside the seconds.
        unit: The unit of ``work``, in words.
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
    """The measurement of a line; seconds are medians, ratios are per turn.

    Attributes:
        row: As in the case, like ``name``, ``baseline`` and ``goal``.
        ratio: Median of baseline / ours.
        ratio_low: The smallest ratio of a turn.
        ratio_high: The largest ratio of a turn.
        seconds: Ours.
        plain_seconds: The baseline's.
        peak: Peak memory of ours, in bytes.
        plain_peak: Peak memory of the baseline, in bytes.
        of_ceiling: Seconds of the machine's limit / ours.
        agreement: How much the results differ.
        met: Whether the goal is reached; None where there is none.
        rate: Work per second, in ``unit``.
        unit: The unit of the rate.
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
        """Return all fields by name."""
        return asdict(self)


def measure(case: Case, *, device: torch.device, turns: int | None = None) -> Measured:
    """Measure a case: agreement first, then memory, then time.

    Args:
        case: The case.
        device: The device it computes on.
        turns: Number of timings of each side; by default the case's own.

    Returns:
        The measurement.
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
