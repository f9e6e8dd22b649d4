"""From a configuration to a trainer: a new one, or the one that goes on with the run in the folder."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from crowdkit.data import CachedDataset, generator_for
from crowdkit.errors import DataError
from crowdkit.layers import BlockBranch
from crowdkit.models import CrowdModel, create_model
from crowdkit.runtime import Process, all_or_none, wrap
from crowdkit.targets import DensityLevels
from crowdkit.training.checkpoint import Position, restore_random_state
from crowdkit.training.config import TrainConfig
from crowdkit.training.ema import MovingAverage
from crowdkit.training.epoch_batches import EpochBatches
from crowdkit.training.feed import TrainingSet, training_loader
from crowdkit.training.meter import Meter
from crowdkit.training.objective import build_loss, fit_levels
from crowdkit.training.run_folder import RunFolder
from crowdkit.training.schedule import build_optimizer
from crowdkit.training.sources import open_empty_scenes, open_splits
from crowdkit.training.trainer import Trainer


def open_trainer(config: TrainConfig, process: Process, folder: RunFolder, *, resume: bool) -> Trainer:
    """Begin a run, or pick up the one in a folder.

    Args:
        config: The configuration.
        process: This process among the others.
        folder: The folder; the first process locks it.
        resume: Whether to pick up.

    Returns:
        The trainer, ready for its next step.

    Raises:
        ConfigError: If the folder holds a run and ``resume`` is false, or holds none and it is true, if another
            training writes it, or if the run's configuration differs in something that matters.
        DataError: If the run's checkpoint is damaged.
    """
    with all_or_none():
        if not resume:
            folder.check_new()
        elif process.rank == 0:
            folder.check_resumable()
            folder.lock()
    with all_or_none():
        state = folder.previous(config, world=process.world) if resume else None
        trainer = _build(config, process, state)
        if state is not None:
            _restore(trainer, state, folder)
        elif process.rank == 0:
            folder.lock()
            if not resume:
                folder.check_new()  # another one may have begun in the meantime
            folder.write_config(config)
    trainer.network = wrap(trainer.network, process)
    return trainer


def _build(config: TrainConfig, process: Process, state: Mapping[str, Any] | None) -> Trainer:
    run = config.run
    val_sets = open_splits(config.data, "val")
    empty_scenes = None
    if config.data.empty_scenes:
        empty_scenes = CachedDataset(open_empty_scenes(val_sets, config.data, split="val"))
    torch.manual_seed(run.seed)
    model = create_model(config.model.name, **config.model.options)
    crops = TrainingSet(
        open_splits(config.data, "train"),
        config.data,
        stride=model.stride,
        seed=run.seed,
        keep=run.keep_images,
    )
    levels = _levels(model, crops, state)
    batches = EpochBatches(
        len(crops), batch_size=run.batch_size, seed=run.seed, rank=process.rank, world=process.world
    )
    model = model.to(process.device)
    if run.channels_last:
        model = model.to(memory_format=torch.channels_last)
    network: nn.Module = torch.compile(model) if run.compile else model  # type: ignore[assignment]
    scaler = torch.amp.GradScaler(process.device.type, enabled=run.precision == "float16")
    loss = build_loss(config.loss, stride=crops.stride, levels=levels, bins=_bins(model), crops=crops)
    trainer = Trainer(
        config=config,
        process=process,
        model=model,
        network=network,
        average=MovingAverage(model, decay=config.optim.ema_decay) if config.optim.ema_decay else None,
        optimizer=build_optimizer(model, config.optim),
        scaler=scaler,
        loss=loss.to(process.device),
        batches=batches,
        loader=training_loader(crops, batches, workers=run.workers, pin=process.device.type == "cuda"),
        meter=Meter(process.device, norms_may_overflow=scaler.is_enabled()),
        val_sets=val_sets,
        empty_scenes=empty_scenes,
    )
    # Each process has its own noise (dropout), whatever making the weights has drawn.
    torch.manual_seed(generator_for(run.seed, process.rank).initial_seed())
    return trainer


def _levels(model: CrowdModel, crops: TrainingSet, state: Mapping[str, Any] | None) -> DensityLevels | None:
    if not model.config.get("dle"):
        return None
    edges = state["level_edges"] if state is not None else model.config.get("level_edges")
    levels = DensityLevels(edges) if edges else fit_levels(crops, levels=model.config["levels"])
    model.config = {**model.config, "level_edges": levels.edges.tolist()}
    return levels


def _restore(trainer: Trainer, state: Mapping[str, Any], folder: RunFolder) -> None:
    rank = trainer.process.rank
    _check_fit(trainer, state, folder)
    try:
        trainer.model.load_state_dict(state["model"])
        if trainer.average is not None:
            trainer.average.load_state_dict(state["average"])
        # The optimizer keeps the tensors it is given, and these still lie in the file.
        trainer.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        trainer.scaler.load_state_dict(state["scaler"])
        trainer.position = Position(**state["position"])
        if "meters" in state:
            trainer.meter.load_state_dict(state["meters"][rank])
        restore_random_state(state["random"][rank])
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
        raise DataError(
            f"checkpoint: expected the state of this run, got {reason} in {folder.last}"
        ) from error


def _check_fit(trainer: Trainer, state: Mapping[str, Any], folder: RunFolder) -> None:
    """Compare names, shapes and types of everything with what it is to be loaded into, before anything is."""
    _check_weights(trainer.model.state_dict(), state["model"], folder)
    if trainer.average is not None:
        average = state["average"] or {}
        _check_weights(trainer.average.module.state_dict(), average.get("module", {}), folder)
    shapes = [each.shape for group in trainer.optimizer.param_groups for each in group["params"]]
    for number, moments in state["optimizer"].get("state", {}).items():
        for name, value in moments.items():
            known = isinstance(number, int) and 0 <= number < len(shapes)
            if isinstance(value, Tensor) and value.ndim and not (known and value.shape == shapes[number]):
                raise DataError(
                    f"checkpoint: expected the optimizer of this model, got {name} of shape {tuple(value.shape)} for "
                    f"weight {number} in {folder.last}"
                )


def _check_weights(expected: Mapping[str, Tensor], given: Mapping[str, Any], folder: RunFolder) -> None:
    wrong = [name for name in (*expected, *given) if name not in given or name not in expected]
    wrong += [
        name
        for name, value in expected.items()
        if name in given and (not isinstance(given[name], Tensor) or given[name].shape != value.shape)
    ]
    if wrong:
        raise DataError(
            f"checkpoint: expected the weights of this model, got other names or shapes for {len(wrong)} of them, the "
            f"first {str(wrong[0])[:60]!r}, in {folder.last}"
        )


def _bins(model: CrowdModel) -> tuple[int, ...] | None:
    branch = getattr(model, "blocks", None)
    return branch.head.bins if isinstance(branch, BlockBranch) else None
