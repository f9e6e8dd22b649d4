"""Training: a plain loop that can be stopped at any step and goes on as if it had not been."""

import math
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from tqdm import tqdm

from crowdkit.data import CachedDataset, CrowdData
from crowdkit.errors import CrowdKitError
from crowdkit.runtime import StopRequest, TrainingInterrupted, all_gather, autocast, join_processes, to_device
from crowdkit.training.config import TrainConfig
from crowdkit.training.feed import TrainingBatch, open_empty_scenes
from crowdkit.training.log import MetricsLog
from crowdkit.training.meter import Meter
from crowdkit.training.run import Run, open_run, save_best, save_run
from crowdkit.training.schedule import learning_rate, set_learning_rate
from crowdkit.training.sources import open_splits
from crowdkit.training.validation import validate

_LOG_EVERY = 20  # steps between two looks at the loss, which wait for the device
_AGREE_EVERY = 10  # steps between two questions to the other processes


class NonFiniteLossError(CrowdKitError, ArithmeticError):
    """The loss or the gradient is infinite or not a number."""


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
    """

    folder: Path
    finished: bool
    epochs: int
    steps: int
    best_mae: float
    best_epoch: float | None
    best_error: float
    seconds: float


def train(config: TrainConfig, *, resume: bool = False, progress: bool = True) -> TrainResult:
    """Train a model as a configuration says.

    Under ``torchrun`` every process takes its share of each epoch. The run's folder gets ``config.toml``,
    ``metrics.jsonl`` (a line every 20 steps and one a validation), ``last.pt`` to resume from and ``best/``,
    the model with the lowest MAE on the *validation* images (of several data sets, the lowest mean of MAE
    over mean count).

    Args:
        config: The configuration.
        resume: Go on with the run in ``config.run.folder``, exactly as if it had not stopped.
        progress: Whether to draw a progress bar.

    Returns:
        How it ended.

    Raises:
        ConfigError: If the folder holds a run and ``resume`` is false, or none and it is true, or the run's
            configuration differs in something that matters.
        NonFiniteLossError: If the loss is no longer finite; the last good checkpoint is kept.
        TrainingInterrupted: After Ctrl-C or SIGTERM, once the step is done and ``last.pt`` is written.
    """
    started = time.monotonic()
    process = join_processes(config.run.device)
    with StopRequest() as stop:
        val_sets = open_splits(config.data, "val")
        run = open_run(config, open_splits(config.data, "train"), process, resume=resume)
        empty_scenes = (
            CachedDataset(open_empty_scenes(val_sets, config.data, split="val"))
            if config.data.empty_scenes
            else None
        )
        leader = process.rank == 0
        log = MetricsLog(run.folder, enabled=leader)
        bar = tqdm(
            total=run.total_steps,
            initial=run.position.step,
            disable=not (progress and leader),
            unit="step",
            mininterval=0.2 if sys.stderr.isatty() else 10.0,
        )
        meter = Meter(process.device, norms_may_overflow=run.scaler.is_enabled())
        work = _Work(run, val_sets, empty_scenes, log, stop, bar, meter, started)
        try:
            finished = _run_epochs(work)
        finally:
            bar.close()
            log.close()
    at = run.position
    return TrainResult(
        folder=run.folder,
        finished=finished,
        epochs=at.epoch,
        steps=at.step,
        best_mae=at.best_mae,
        best_epoch=at.best_epoch,
        best_error=at.best_error,
        seconds=time.monotonic() - started,
    )


@dataclass
class _Work:
    """What the parts of the loop hand to one another."""

    run: Run
    val_sets: list[CrowdData]
    empty_scenes: CrowdData | None
    log: MetricsLog
    stop: StopRequest
    bar: Any  # tqdm
    meter: Meter
    started: float
    saved: float = field(default_factory=time.monotonic)


def _run_epochs(work: _Work) -> bool:
    """Train to the end, or until the time is up."""
    run = work.run
    why = None
    while run.position.epoch < run.config.run.epochs and why is None:
        why = _run_batches(work)
        if why is None:
            run.position = replace(run.position, epoch=run.position.epoch + 1, batch=0)
    if why == "signal":
        _interrupt(work)
    _save(work)
    return why is None


def _run_batches(work: _Work) -> str | None:
    """Train to the end of the epoch; return early, with the reason, when asked to stop."""
    run = work.run
    _validate_if_due(work)  # a resumed run may have been stopped before it
    run.network.train()
    run.batches.at(run.position.epoch, run.position.batch)
    if run.position.batch == len(run.batches):
        return None
    for batch in run.loader:
        take_step(run, batch, work.meter)
        work.bar.update()
        at = run.position = replace(run.position, batch=run.position.batch + 1, step=run.position.step + 1)
        if at.step % _LOG_EVERY == 0 or at.batch == len(run.batches):
            _report(work)
        _validate_if_due(work)
        if at.step < run.total_steps:
            why = _interruption(work, ask_others=at.step % _AGREE_EVERY == 0)
            if why is not None:
                return why
    return None


def take_step(run: Run, batch: TrainingBatch, meter: Meter) -> None:
    """Learn from one batch.

    Args:
        run: The run.
        batch: The crops.
        meter: Takes the loss, the error of the counts and the norm of the gradient.
    """
    config, device = run.config, run.process.device
    progress = run.position.step / run.total_steps
    optim = config.optim
    set_learning_rate(
        run.optimizer, learning_rate(progress, lr=optim.lr, schedule=optim.schedule, warmup=optim.warmup)
    )
    images = to_device(batch.images, device, channels_last=config.run.channels_last)
    density = batch.density.to(device, non_blocking=True)
    with autocast(device, config.run.precision):
        prediction = run.network(images)
        loss = run.loss(prediction, density, progress=progress, points=_heads(run, batch))
    run.scaler.scale(loss).backward()
    run.scaler.unscale_(run.optimizer)
    norm = clip_grad_norm_(run.model.parameters(), optim.clip_norm or math.inf)
    run.scaler.step(run.optimizer)
    run.scaler.update()
    run.optimizer.zero_grad(set_to_none=True)
    if run.average is not None:
        run.average.update(run.model)
    with torch.no_grad():
        error = (prediction.count - batch.people.to(device, non_blocking=True)).abs().mean()
    meter.add(loss, error, norm)


def _heads(run: Run, batch: TrainingBatch) -> list[Tensor] | None:
    if not run.loss.needs_points:
        return None
    return [each.to(run.process.device, non_blocking=True) for each in batch.points]


def _report(work: _Work) -> None:
    """Look at the loss since the last look, tell it, and stop if it is no longer a number."""
    run = work.run
    reading = work.meter.read()
    if not reading.steps:
        return
    rate = run.optimizer.param_groups[0]["lr"]
    numbers = {
        "epoch": run.position.epoch,
        "loss": reading.loss,
        "crop_mae": reading.count_error,
        "grad_norm": reading.grad_norm,
        "lr": rate,
    }
    work.log.write("train", numbers, step=run.position.step)
    work.bar.set_postfix_str(f"loss {reading.loss:.3g}, crop MAE {reading.count_error:.3g}, rate {rate:.2g}")
    if not reading.finite:
        raise NonFiniteLossError(
            f"loss: expected a finite number, got loss {reading.loss} and gradient norm {reading.grad_norm} "
            f"in the {reading.steps} steps before step {run.position.step}; lower optim.lr, set "
            "optim.clip_norm or use run.precision = 'float32'. "
            f"The last checkpoint in {run.folder} is from before"
        )


def _validate_if_due(work: _Work) -> None:
    run = work.run
    step, settings = run.position.step, run.config.run
    every = max(1, round(settings.validate_every * len(run.batches)))
    if step == run.position.validated or (step % every and step < run.total_steps):
        return
    # A signal need not wait for the end of a long validation: between two steps all is in order. Several
    # processes would have to agree first.
    try:
        with work.stop.raise_immediately() if run.process.world == 1 else nullcontext():
            found = validate(
                run.result_model,
                work.val_sets,
                work.empty_scenes,
                run.config,
                device=run.process.device,
                progress=not work.bar.disable and sys.stderr.isatty(),
            )
    except KeyboardInterrupt:
        _interrupt(work)
    epoch = round(step / len(run.batches), 3)
    run.position = replace(run.position, validated=step)
    work.log.write("validation", {"epoch": epoch, **found.numbers()}, step=step)
    if found.error < run.position.best_error:
        run.position = replace(run.position, best_error=found.error, best_mae=found.mae, best_epoch=epoch)
        save_best(run)
    if not work.bar.disable:
        best = run.position
        told = (
            f"epoch {epoch:g}/{settings.epochs}: validation {found} "
            f"(best MAE {best.best_mae:.2f}, epoch {best.best_epoch or 0:g})"
        )
        work.bar.write(told, file=sys.stderr)


def _interruption(work: _Work, *, ask_others: bool) -> str | None:
    """Say why to stop, if so, and save if it is time; all processes come to the same answer."""
    now, settings = time.monotonic(), work.run.config.run
    over = settings.time_limit is not None and now - work.started >= settings.time_limit
    wishes = (work.stop.received, over, now - work.saved >= settings.checkpoint_every)
    if work.run.process.world > 1:
        if not ask_others:
            return None
        wishes = tuple(any(each) for each in zip(*all_gather(wishes), strict=True))  # type: ignore[assignment]
    signalled, over, due = wishes
    if due and not (signalled or over):
        _save(work)
    return "signal" if signalled else "time" if over else None


def _save(work: _Work) -> None:
    _report(work)  # never write weights that are broken
    save_run(work.run)
    work.saved = time.monotonic()


def _interrupt(work: _Work) -> NoReturn:
    _save(work)
    run = work.run
    raise TrainingInterrupted(
        f"stopped after step {run.position.step} of {run.total_steps}; go on with: "
        f"crowdkit train --run {run.folder} --resume"
    )
