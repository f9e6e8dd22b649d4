"""``crowdkit count``: the row of an image, ``Count.to_dict()`` and what was written of it, as text and as a table."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crowdkit.errors import printable

if TYPE_CHECKING:
    from crowdkit.calibration import Calibration

Row = dict[str, Any]


def line(row: Row) -> str:
    """Say in text what was found in an image, with a line for what is unusual and for each zone."""
    between = f"  {row['lower']:8.1f} to {row['upper']:8.1f}" if "lower" in row else ""
    text = f"{row['count']:10.1f}{between}  {printable(row['path'])}"
    if row.get("unusual"):
        text += f"\n            unlike what the model has seen: {'; '.join(row['unusual'])}"
    return text + "".join(f"\n{people:10.1f}    in {name}" for name, people in row.get("zones", {}).items())


def write_table(file: Path, rows: Iterable[Row], columns: Iterable[str]) -> None:
    """Write the rows as CSV, with a column for each zone.

    Args:
        file: The file.
        rows: The rows.
        columns: Its columns.
    """
    with file.open("w", newline="", encoding="utf-8", errors="backslashreplace") as table:
        writer = csv.DictWriter(table, list(columns), extrasaction="ignore")
        writer.writeheader()
        for row in rows:
            zones = {f"zone {name}": people for name, people in row.get("zones", {}).items()}
            writer.writerow({**row, "unusual": "; ".join(row.get("unusual", ())), **zones})


def interval_note(calibration: "Calibration") -> str:
    """Say what the two numbers beside a count are."""
    interval = calibration.interval
    return (
        f"Beside each count: where the true one lies for {interval.coverage:.0%} of images like the "
        f"{interval.images} on which this was measured; for images unlike them that is not known."
    )
