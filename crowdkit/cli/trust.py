"""``crowdkit count``: how far a count may be trusted."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crowdkit.calibration import Calibration
    from crowdkit.counting import Count

COLUMNS = ("lower", "upper", "unusual")


def trust(seen: "Count") -> dict[str, Any]:
    """Say in a row how far the count of an image may be trusted; nothing if that is not known."""
    if seen.interval is None:
        return {}
    lower, upper = seen.interval
    return {"lower": round(lower, 2), "upper": round(upper, 2), "unusual": list(seen.unusual)}


def format_interval(row: dict[str, Any]) -> str:
    """Say in a line between which numbers the true count lies."""
    return f"  {row['lower']:8.1f} to {row['upper']:8.1f}" if "lower" in row else ""


def warning(row: dict[str, Any]) -> str:
    """Say in a line of its own what the model has never seen."""
    return (
        f"\n            unlike what the model has seen: {'; '.join(row['unusual'])}"
        if row.get("unusual")
        else ""
    )


def table(row: dict[str, Any]) -> dict[str, Any]:
    """Lay out a row for a table."""
    return {**row, "unusual": "; ".join(row["unusual"])} if "unusual" in row else row


def interval_note(calibration: "Calibration") -> str:
    """Say what the two numbers beside a count are."""
    interval = calibration.interval
    return (
        f"Beside each count: where the true one lies for {interval.coverage:.0%} of images like the "
        f"{interval.images} on which this was measured; for images unlike them that is not known."
    )
