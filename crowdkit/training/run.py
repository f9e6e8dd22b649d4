"""A training run on disk and in memory: what it is made of, how it is opened, saved and resumed."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from torch.utils.data import DataLoader

from crowdkit.data import CrowdData, generator_for
from crowdkit.errors import ConfigError
from crowdkit.losses import CFANetLoss
from crowdkit.models import CrowdModel, create_model
from crowdkit.runtime import Process, all_gather, barrier, wrap
from crowdkit.targets import DensityLevels
from crowdkit.training.checkpoint import (
    Position,
    load_checkpoint,
    random_state,
    restore_random_state,
    save_checkpoint,
    versions,
)
from crowdkit.training.config import TrainConfig
from crowdkit.training.config_io import config_differences, config_from_dict, config_to_dict, config_to_toml
from crowdkit.training.ema import MovingAverage
from crowdkit.training.feed import EpochBatches, TrainingBatch, TrainingSet, training_loader
from crowdkit.training.objective import build_loss, fit_levels
from crowdkit.training.schedule import build_optimizer

# What may change between two parts of one run: it moves the files or the work, not the result.
_FREE = (
    "data.root",
    "run.folder",
    "run.workers",
    "run.keep_images",
    "run.device",
    "run.compile",
    "run.channels_last",
    "run.validate_every",
    "run.checkpoint_every",
    "run.time_limit",
)


@dataclass(kw_only=True)
class Run:
    """What a training works on; made by :func:`open_run`.

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
    loader: DataLoader[TrainingBatch]
    position: Position

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self.config.run.folder)

    @property
    def result_model(self) -> CrowdModel:
        """The network that is validated and kept: the average if there is one."""
        return self.model if self.average is None else cast(CrowdModel, self.average.module)

    @property
    def total_steps(self) -> int:
        """Steps of the whole training."""
        return self.config.run.epochs * len(self.batches)


def open_run(config: TrainConfig, sources: Sequence[CrowdData], process: Process, *, resume: bool) -> Run:
    """Begin a run, or pick up the one in the configuration's folder.

    Args:
        config: The configuration.
        sources: The training images, from one data set or several.
        process: This process among the others.
        resume: Whether to pick up.

    Returns:
        The run, ready for its next step.

    Raises:
        ConfigError: If the folder holds a run and ``resume`` is false, or holds none and it is true, or the
            run's configuration differs in something that matters.
    """
    folder = Path(config.run.folder)
    state = _previous(config, folder, process) if resume else None
    if state is None and folder.exists() and any(folder.iterdir()):
        raise ConfigError(
            f"run.folder: expected a new or empty folder, got {folder} which holds files; resume the run "
            "with --resume or name another folder with --run"
        )
    barrier()  # nobody writes before everybody has looked
    torch.manual_seed(config.run.seed)
    model, levels, crops = _build_model(config, sources, state)
    batches = EpochBatches(
        len(crops),
        batch_size=config.run.batch_size,
        seed=config.run.seed,
        rank=process.rank,
        world=process.world,
    )
    model = model.to(process.device)
    if config.run.channels_last:
        model = model.to(memory_format=torch.channels_last)
    network: nn.Module = torch.compile(model) if config.run.compile else model  # type: ignore[assignment]
    cuda = process.device.type == "cuda"
    run = Run(
        config=config,
        process=process,
        model=model,
        network=wrap(network, process),
        average=MovingAverage(model, decay=config.optim.ema_decay) if config.optim.ema_decay else None,
        optimizer=build_optimizer(model, config.optim),
        scaler=torch.amp.GradScaler(process.device.type, enabled=config.run.precision == "float16"),
        loss=build_loss(
            config.loss, stride=crops.stride, levels=levels, bins=model.config.get("blocks"), crops=crops
        ).to(process.device),
        batches=batches,
        loader=training_loader(crops, batches, workers=config.run.workers, pin=cuda),
        position=Position(),
    )
    # Each process has its own noise (dropout), whatever making the weights has drawn.
    torch.manual_seed(generator_for(config.run.seed, process.rank).initial_seed())
    if state is not None:
        _restore(run, state)
    elif process.rank == 0:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.toml").write_text(config_to_toml(config), encoding="utf-8")
    barrier()
    return run


def save_run(run: Run) -> None:
    """Write ``last.pt``, from which the run can go on.

    Args:
        run: The run, between two steps.
    """
    randoms = all_gather(random_state())
    if run.process.rank != 0:
        return
    edges = run.model.config.get("level_edges")
    state = {
        "config": config_to_dict(run.config),
        "position": asdict(run.position),
        "model": run.model.state_dict(),
        "average": None if run.average is None else run.average.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "scaler": run.scaler.state_dict(),
        "random": randoms,
        "level_edges": None if edges is None else list(edges),
        "world": run.process.world,
        "versions": versions(),
    }
    save_checkpoint(run.folder / "last.pt", state)


def save_best(run: Run) -> None:
    """Write the model that is validated to ``best/``, which is whole at every moment but a blink.

    Args:
        run: The run.
    """
    if run.process.rank != 0:
        return
    new, old, best = (run.folder / name for name in ("best.new", "best.old", "best"))
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    run.result_model.save(new)
    if best.exists():
        best.rename(old)
    new.rename(best)
    shutil.rmtree(old, ignore_errors=True)


def _previous(config: TrainConfig, folder: Path, process: Process) -> dict[str, Any]:
    if not (folder / "last.pt").exists():
        raise ConfigError(
            f"run.folder: expected a run to resume (a folder with last.pt), got {folder}; "
            "start one without --resume in a new folder"
        )
    state = load_checkpoint(folder / "last.pt")
    differences = [
        each
        for each in config_differences(config_from_dict(state["config"]), config)
        if each.partition(":")[0] not in _FREE
    ]
    if differences:
        raise ConfigError(
            f"config: expected the configuration of the run in {folder}, got a different one: "
            f"{'; '.join(differences)}; undo the changes or start a new run"
        )
    if state["world"] != process.world:
        raise ConfigError(
            f"processes: expected {state['world']} as when the run began, got {process.world}; "
            "the batches would differ"
        )
    return state


def _build_model(
    config: TrainConfig, sources: Sequence[CrowdData], state: dict[str, Any] | None
) -> tuple[CrowdModel, DensityLevels | None, TrainingSet]:
    model = create_model(config.model.name, **config.model.options)
    crops = TrainingSet(
        sources, config.data, stride=model.stride, seed=config.run.seed, keep=config.run.keep_images
    )
    if not model.config.get("dle"):
        return model, None, crops
    edges = state["level_edges"] if state is not None else model.config.get("level_edges")
    levels = DensityLevels(edges) if edges else fit_levels(crops, levels=model.config["levels"])
    model.config = {**model.config, "level_edges": levels.edges.tolist()}
    return model, levels, crops


def _restore(run: Run, state: dict[str, Any]) -> None:
    run.model.load_state_dict(state["model"])
    if run.average is not None:
        run.average.load_state_dict(state["average"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.scaler.load_state_dict(state["scaler"])
    run.position = Position(**state["position"])
    restore_random_state(state["random"][run.process.rank])
