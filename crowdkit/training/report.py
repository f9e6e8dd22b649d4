"""What a training says while it runs: a bar, the log, one line per validation, and warnings."""

import logging
import sys

from tqdm import tqdm

from crowdkit.training.checkpoint import Position
from crowdkit.training.log import MetricsLog
from crowdkit.training.meter import Reading
from crowdkit.training.run_folder import RunFolder
from crowdkit.training.silence import SilenceWatch
from crowdkit.training.validation import Validation

_LOG = logging.getLogger(__name__)


class Report:
    """Write the log of a run and, if wanted, draw its progress.

    Args:
        folder: The run's folder.
        position: Where the training begins.
        steps: Steps of the whole training.
        enabled: Whether to write at all (one process of several does).
        progress: Whether to draw.
    """

    def __init__(
        self, folder: RunFolder, position: Position, *, steps: int, enabled: bool, progress: bool
    ) -> None:
        self._enabled = enabled
        self._log = MetricsLog(folder.path, position, enabled=enabled)
        self._silence = SilenceWatch()
        self._bar = tqdm(
            total=steps,
            initial=position.step,
            disable=not (progress and enabled),
            unit="step",
            mininterval=0.2 if sys.stderr.isatty() else 10.0,
        )

    @property
    def draws(self) -> bool:
        """Whether somebody watches."""
        return not self._bar.disable and sys.stderr.isatty()

    def step(self) -> None:
        """Move the bar by one step."""
        self._bar.update()

    def training(self, reading: Reading, position: Position, *, rate: float) -> None:
        """Log the means of the last steps, and warn once if the network has sunk to silence.

        Args:
            reading: The means.
            position: Where the training stands.
            rate: The learning rate.
        """
        numbers = {
            "epoch": position.epoch,
            "loss": reading.loss,
            "crop_mae": reading.count_error,
            "grad_norm": reading.grad_norm,
            "lr": rate,
        }
        self._log.write("train", numbers, step=position.step)
        self._bar.set_postfix_str(
            f"loss {reading.loss:.3g}, crop MAE {reading.count_error:.3g}, rate {rate:.2g}"
        )
        if self._silence.notices(reading) and self._enabled:
            self._log.write("warning", {"text": self._silence.advice}, step=position.step)
            _LOG.warning("warning: %s", self._silence.advice)

    def validation(self, found: Validation, position: Position, *, epoch: float, epochs: int) -> None:
        """Log a validation and print it in one line.

        Args:
            found: The figures.
            position: Where the training stands, and which epoch is the best so far.
            epoch: How many epochs are done.
            epochs: How many there will be.
        """
        self._log.write("validation", {"epoch": epoch, **found.numbers()}, step=position.step)
        if not self._bar.disable:
            line = (
                f"epoch {epoch:g}/{epochs}: validation {found} "
                f"(best MAE {position.best_mae:.2f}, epoch {position.best_epoch or 0:g})"
            )
            self._bar.write(line, file=sys.stderr)

    def close(self) -> None:
        """Finish writing."""
        self._bar.close()
        self._log.close()
