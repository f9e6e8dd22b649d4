"""The trainer: a plain loop that can be stopped at any step and goes on as if it had not been."""

import math
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from typing import Any, cast

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import DataLoader

from crowdkit.data import Batch, CrowdData
from crowdkit.losses import CFANetLoss
from crowdkit.models import CrowdModel
from crowdkit.runtime import (
    Process,
    StopRequest,
    TrainingInterrupted,
    all_gather,
    all_or_none,
    autocast,
    noticing_lost_peers,
    to_device,
)
from crowdkit.training.checkpoint import Position, random_state
from crowdkit.training.config import TrainConfig
from crowdkit.training.config_io import config_to_dict
from crowdkit.training.ema import MovingAverage
from crowdkit.training.epoch_batches import EpochBatches
from crowdkit.training.meter import Meter, check_finite
from crowdkit.training.report import Report
from crowdkit.training.run_folder import RunFolder
from crowdkit.training.schedule import learning_rate, set_learning_rate
from crowdkit.training.validation import validate
from crowdkit.training.versions import versions

_LOG_EVERY = 20  # steps between two looks at the loss, which wait for the device
_AGREE_EVERY = 10  # steps between two questions to the other processes


@dataclass(kw_only=True)
class Trainer:
    """A training: its parts, where it stands, and the loop; made by :func:`~crowdkit.training.open_trainer`.

    Attributes:
        config: The configuration.
        process: This process among the others.
        model: The network.
        network: The network as it is called: compiled, wrapped for several processes, or itself.
        average: The moving average of its weights, if wanted.
        optimizer: The optimizer.
        scaler: The gradient scaler; does nothing but for float16.
        loss: The loss.
        batches: The order of the images.
        loader: The batches.
        meter: Takes the loss, the counts and the norm of the gradient of every step.
        val_sets: The validation images of each data set.
        empty_scenes: Held-out images without people, if the training has such images.
        position: Where the training stands.
    """

    config: TrainConfig
    process: Process
    model: CrowdModel
    network: nn.Module
    average: MovingAverage | None
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    loss: CFANetLoss
    batches: EpochBatches
    loader: DataLoader[Batch]
    meter: Meter
    val_sets: Sequence[CrowdData] = ()
    empty_scenes: CrowdData | None = None
    position: Position = field(default_factory=Position)

    @property
    def folder(self) -> RunFolder:
        """The run's folder."""
        return RunFolder(self.config.run.folder)

    @property
    def result_model(self) -> CrowdModel:
        """The network that is validated and kept: the average if there is one."""
        return self.model if self.average is None else cast(CrowdModel, self.average.module)

    @property
    def total_steps(self) -> int:
        """Steps of the whole training."""
        return self.config.run.epochs * len(self.batches)

    @property
    def leads(self) -> bool:
        """Whether this is the process that talks to the user and writes the files."""
        return self.process.rank == 0

    def step(self, batch: Batch) -> None:
        """Learn from one batch.

        Args:
            batch: The crops and their true maps.
        """
        config, device = self.config, self.process.device
        progress = self.position.step / self.total_steps
        optim = config.optim
        set_learning_rate(
            self.optimizer, learning_rate(progress, lr=optim.lr, schedule=optim.schedule, warmup=optim.warmup)
        )
        people = batch.counts.to(device, non_blocking=True)
        images = to_device(batch.images, device, channels_last=config.run.channels_last)
        density = cast(torch.Tensor, batch.density).to(device, non_blocking=True)
        points = None
        if self.loss.needs_points:
            points = [each.to(device, non_blocking=True) for each in batch.points]
        with autocast(device, config.run.precision):
            prediction = self.network(images)
            loss = self.loss(prediction, density, progress=progress, points=points)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        norm = clip_grad_norm_(self.model.parameters(), optim.clip_norm or math.inf)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update(self.model)
        self.meter.add(loss, estimated=prediction.count, people=people, grad_norm=norm)

    def run(self, *, progress: bool = True) -> bool:
        """Train to the end, or until the time is up.

        Args:
            progress: Whether to draw a progress bar.

        Returns:
            Whether the end is reached.

        Raises:
            TrainingInterrupted: After Ctrl-C or SIGTERM, once ``last.pt`` is written.
            NonFiniteLossError: If the loss is no longer finite.
            LostPeerError: If another process has died.
        """
        self._started = self._saved = time.monotonic()
        self._report = Report(
            self.folder, self.position, steps=self.total_steps, enabled=self.leads, progress=progress
        )
        advice = f"go on with: {self.folder.resume_command}"
        try:
            with StopRequest() as self._stop, noticing_lost_peers(advice):
                return self._run_epochs()
        finally:
            self._report.close()

    def _run_epochs(self) -> bool:
        why = None
        while self.position.epoch < self.config.run.epochs and why is None:
            why = self._run_batches()
            if why is None:
                self.position = replace(self.position, epoch=self.position.epoch + 1, batch=0)
            self._save()
        if why == "signal":
            raise self._interrupted()
        return why is None

    def _run_batches(self) -> str | None:
        """Train to the end of the epoch; return early, with the reason, when asked to stop."""
        self._validate_if_due()  # a resumed run may have been stopped before it
        self.network.train()
        self.batches.at(self.position.epoch, self.position.batch)
        if self.position.batch == len(self.batches):
            return None
        for batch in self.loader:
            self.step(batch)
            self._report.step()
            at = replace(self.position, batch=self.position.batch + 1, step=self.position.step + 1)
            self.position = at
            if at.step % _LOG_EVERY == 0 or at.batch == len(self.batches):
                self._look()
            self._validate_if_due()
            if at.step < self.total_steps:
                why = self._why_stop(ask_others=at.step % _AGREE_EVERY == 0)
                if why is not None:
                    return why
        return None

    def _look(self) -> None:
        """Report the means since the last look, and stop if they are no longer numbers."""
        reading = self.meter.read()
        self._report.training(reading, self.position, rate=self.optimizer.param_groups[0]["lr"])
        with all_or_none():
            check_finite(reading, self.position, self.folder.path)

    def _validate_if_due(self) -> None:
        step, settings = self.position.step, self.config.run
        every = max(1, round(settings.validate_every * len(self.batches)))
        if step == self.position.validated or (step % every and step < self.total_steps):
            return
        # A signal need not wait for the end of a long validation: between two steps all is in order. Several
        # processes would have to agree first.
        try:
            with self._stop.raise_immediately() if self.process.world == 1 else nullcontext():
                found = validate(
                    self.result_model,
                    self.val_sets,
                    self.empty_scenes,
                    self.config,
                    device=self.process.device,
                    progress=self._report.draws,
                )
        except KeyboardInterrupt:
            self._save()
            raise self._interrupted() from None
        epoch = round(step / len(self.batches), 3)
        self.position = replace(self.position, validated=step)
        if found.error < self.position.best_error:
            self.position = replace(
                self.position, best_error=found.error, best_mae=found.mae, best_epoch=epoch
            )
            with self._stop.hold(), all_or_none():
                if self.leads:
                    self.folder.save_best(self.result_model)
        self._report.validation(found, self.position, epoch=epoch, epochs=settings.epochs)

    def _why_stop(self, *, ask_others: bool) -> str | None:
        """Say why to stop, if so, and save if it is time; all processes come to the same answer."""
        now, settings = time.monotonic(), self.config.run
        over = settings.time_limit is not None and now - self._started >= settings.time_limit
        wishes = (self._stop.received, over, now - self._saved >= settings.checkpoint_every)
        if self.process.world > 1:
            if not ask_others:
                return None
            wishes = tuple(any(each) for each in zip(*all_gather(wishes), strict=True))  # type: ignore[assignment]
        signalled, over, due = wishes
        if due and not (signalled or over):
            self._save()
        return "signal" if signalled else "time" if over else None

    def _save(self) -> None:
        with all_or_none():  # never write weights that are broken
            check_finite(self.meter.peek(), self.position, self.folder.path)
        state = self.state_dict()
        with self._stop.hold(), all_or_none():
            if self.leads:
                self.folder.save_last(state)
        self._saved = time.monotonic()

    def _interrupted(self) -> TrainingInterrupted:
        return TrainingInterrupted(
            f"stopped after step {self.position.step} of {self.total_steps}; go on with: {self.folder.resume_command}"
        )

    def state_dict(self) -> dict[str, Any]:
        """Return everything to go on from, between two steps; all processes must call it."""
        edges = self.model.config.get("level_edges")
        randoms, meters = zip(*all_gather((random_state(), self.meter.state_dict())), strict=True)
        return {
            "config": config_to_dict(self.config),
            "position": asdict(self.position),
            "model": self.model.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": list(randoms),
            "meters": list(meters),
            "level_edges": None if edges is None else list(edges),
            "world": self.process.world,
            "versions": versions(),
        }
