"""Notice a network that has sunk to silence: it estimates nobody, wherever and however many there are."""

from crowdkit.training.meter import Reading

_SHARE = 1e-3  # of the true count; less is silence
_READINGS = 5


class SilenceWatch:
    """Count the readings in a row whose estimate is below a thousandth of the truth.

    Examples:
        >>> watch = SilenceWatch()
        >>> silent = Reading(1.0, 30.0, 0.0, estimate=0.0, people=30.0, steps=20, finite=True)
        >>> [watch.notices(silent) for _ in range(6)]
        [False, False, False, False, True, False]
    """

    advice = (
        f"the estimate was below a thousandth of the true count in the last {_READINGS} lines of the log: the network "
        "is silent and seldom recovers; start again with a lower optim.lr and optim.warmup = 0.02, with "
        "loss.also = { relative_count = 0.1 }, or from pretrained weights (model.options.encoder_weights)"
    )

    def __init__(self) -> None:
        self._silent = 0

    def notices(self, reading: Reading) -> bool:
        """Take in a reading.

        Args:
            reading: Means of the last steps; those that show nobody say nothing.

        Returns:
            Whether it is time to warn, which is once per silence.
        """
        if reading.people > 0:
            self._silent = self._silent + 1 if reading.estimate < _SHARE * reading.people else 0
            return self._silent == _READINGS
        return False
