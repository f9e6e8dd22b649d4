"""Train as a configuration says."""

import time
from dataclasses import dataclass
from pathlib import Path

from crowdkit.runtime import join_processes
from crowdkit.training.config import TrainConfig
from crowdkit.training.opening import open_trainer
from crowdkit.training.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """How a training ended.

    Attributes:
        folder: The run's folder; ``best/`` in it is the model with the lowest validation error.
        finished: False if the time limit stopped it: it can be resumed.
        epochs: Epochs that are done.
        steps: Steps that are done.
        best_mae: Validation MAE of the best epoch, over the images of all data sets.
        best_epoch: After how many epochs it was measured.
        best_error: What was lowest there: the validation MAE over the mean count, averaged over the data sets.
        seconds: Time this call took.
        resume_command: The command line that goes on with the run.
        leads: Whether this process is the one of several that talks to the user.
    """

    folder: Path
    finished: bool
    epochs: int
    steps: int
    best_mae: float
    best_epoch: float | None
    best_error: float
    seconds: float
    resume_command: str
    leads: bool


def train(config: TrainConfig, *, resume: bool = False, progress: bool = True) -> TrainResult:
    """Train a model as a configuration says.

    Under ``torchrun`` every process takes its share of each epoch. The run's folder gets ``config.toml``,
    ``metrics.jsonl`` (one line every 20 steps and one per validation), ``last.pt`` to resume from and ``best/``,
    the model with the lowest MAE on the *validation* images (of several data sets, the lowest mean of MAE
    over mean count).

    Args:
        config: The configuration.
        resume: Go on with the run in ``config.run.folder``, exactly as if it had not stopped; from the beginning if
            it was killed before its first checkpoint.
        progress: Whether to draw a progress bar.

    Returns:
        How it ended.

    Raises:
        ConfigError: If the folder holds a run and ``resume`` is false, or none and it is true, if another training
            writes it, or if the run's configuration differs in something that matters.
        DataError: If neither the last checkpoint nor the one before is whole.
        NonFiniteLossError: If the loss is no longer finite; the last good checkpoint is kept.
        TrainingInterrupted: After Ctrl-C or SIGTERM, once the step is done and ``last.pt`` is written.
        LostPeerError: If another process has died; the last checkpoint is kept.
        OSError: If a file cannot be written, with its name; the one before it is kept.
    """
    started = time.monotonic()
    process = join_processes(config.run.device)
    folder = RunFolder(config.run.folder)
    try:
        trainer = open_trainer(config, process, folder, resume=resume)
        finished = trainer.run(progress=progress)
    finally:
        folder.unlock()
    at = trainer.position
    return TrainResult(
        folder=folder.path,
        finished=finished,
        epochs=at.epoch,
        steps=at.step,
        best_mae=at.best_mae,
        best_epoch=at.best_epoch,
        best_error=at.best_error,
        seconds=time.monotonic() - started,
        resume_command=folder.resume_command,
        leads=trainer.leads,
    )
