"""The measurements as a table in Markdown."""

from collections.abc import Sequence

from benchmarks.speed.case import Measured

HEADINGS = (
    "| row | what | against | ratio | seconds | baseline's | memory | baseline's | of the ceiling | apart | goal | |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|",
)


def render(found: Sequence[Measured]) -> str:
    """Format the measurements in Markdown."""
    return "\n".join([*HEADINGS, *map(line, found)])


def line(each: Measured) -> str:
    """Format one measurement."""
    ratio = ""
    if each.ratio is not None:
        ratio = f"**{_short(each.ratio)}** ({_short(each.ratio_low)} to {_short(each.ratio_high)})"
    share = "" if each.of_ceiling is None else f"{100 * each.of_ceiling:.0f} %"
    apart = ", ".join(f"{name} {value:.1e}" for name, value in each.agreement.items())
    met = {None: "", True: "met", False: "**not met**"}[each.met]
    cells = (
        str(each.row),
        each.name,
        each.baseline,
        ratio,
        _short(each.seconds) + ("" if each.rate is None else f" ({_short(each.rate)} {each.unit}/s)"),
        _short(each.plain_seconds),
        _size(each.peak),
        _size(each.plain_peak),
        share,
        apart,
        each.goal,
        met,
    )
    return "| " + " | ".join(cells) + " |"


def _short(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _size(count: int | None) -> str:
    if count is None:
        return ""
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
