"""The calibration of one model: its interval and domain, fitted on its images and stored beside its weights."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from crowdkit.calibration.coverage import Coverage, coverage_table, measure_coverage
from crowdkit.calibration.domain import Domain
from crowdkit.calibration.interval import CountInterval, least_images
from crowdkit.errors import CrowdKitError, DataError

FILE = "calibration.json"


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """One held-out image, on which an interval was fitted.

    Attributes:
        name: The image's name, after that of its data set.
        people: The true count.
        estimate: The estimated count.
        megapixels: The size of the image.
        unusual: The traits that lie outside the model's domain.
    """

    name: str
    people: int
    estimate: float
    megapixels: float
    unusual: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How reliable the counts of one model are.

    Attributes:
        interval: The interval of a count.
        domain: The range of images that the model has learned from.
        held_out: The images that the interval was fitted on.
    """

    interval: CountInterval
    domain: Domain
    held_out: tuple[HeldOut, ...]

    @property
    def outside(self) -> int:
        """The number of held-out images that lie outside the domain."""
        return sum(bool(each.unusual) for each in self.held_out)

    def measure(self, *, halvings: int = 1000, bands: int = 3, seed: int = 0) -> tuple[Coverage, ...]:
        """Measure the coverage of such intervals by halving the held-out images repeatedly.

        Args:
            halvings: Number of halvings.
            bands: Number of density bands.
            seed: Seed of the halvings.

        Returns:
            The result of :func:`measure_coverage`; empty if there are too few images to fit on half of them.
        """
        if len(self.held_out) < 2 * least_images(self.interval.coverage):
            return ()
        estimates = [each.estimate for each in self.held_out]
        return measure_coverage(
            [each.people for each in self.held_out],
            estimates,
            [each.estimate / each.megapixels for each in self.held_out],
            coverage=self.interval.coverage,
            halvings=halvings,
            bands=bands,
            seed=seed,
        )

    def coverage_table(self) -> str:
        """Return the result of :meth:`measure` as a Markdown table, or a sentence that there are too few images."""
        return coverage_table(self.measure())

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Restore a calibration from the result of :meth:`to_dict`.

        Args:
            values: Plain values.

        Returns:
            The calibration.

        Raises:
            DataError: If the values have another form.
        """
        try:
            bounds = {name: (low, high) for name, (low, high) in values["domain"]["bounds"].items()}
            rows = [{**each, "unusual": tuple(each["unusual"])} for each in values["held_out"]]
            made = cls(
                interval=CountInterval(**values["interval"]),
                domain=Domain(**{**values["domain"], "bounds": bounds}),
                held_out=tuple(HeldOut(**each) for each in rows),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"calibration: expected an interval, a domain and held-out images, got {error!r}; make it again"
            ) from error
        made.domain.check()
        return made


def write_calibration(calibration: Calibration, folder: str | Path) -> Path:
    """Write a calibration as ``calibration.json`` beside the weights of a saved model.

    Args:
        calibration: The calibration.
        folder: A folder that ``model.save`` wrote.

    Returns:
        The file.
    """
    path = Path(folder) / FILE
    values = {"weights_sha256": _hash_of(Path(folder)), **calibration.to_dict()}
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read_calibration(folder: str | Path) -> Calibration | None:
    """Read the calibration beside the weights of a saved model.

    Args:
        folder: A folder that ``model.save`` wrote.

    Returns:
        The calibration, or ``None`` if there is none.

    Raises:
        DataError: If it is damaged or belongs to other weights.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    again = "make it again with crowdkit evaluate --calibrate, or delete it"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        made_of = values.pop("weights_sha256")
        calibration = Calibration.from_dict(values)
    except (AttributeError, KeyError, ValueError) as error:
        told = error if isinstance(error, CrowdKitError) else repr(error)
        raise DataError(f"{path}: expected a calibration, got {told}; {again}") from error
    if made_of != _hash_of(Path(folder)):
        raise DataError(
            f"{path}: expected the calibration of the weights beside it, got that of others; {again}"
        )
    return calibration


def _hash_of(folder: Path) -> str:
    return sha256((folder / "model.safetensors").read_bytes()).hexdigest()
