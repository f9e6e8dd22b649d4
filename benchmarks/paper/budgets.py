"""The budget of a table: its data, its length, and the networks that replace others."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.paper.tables import MALL, QNRF, UCF, A, B, Experiment, Table

# Folders below --data, and the data section of a configuration.
DATA: dict[str, tuple[str, dict[str, Any]]] = {
    A: ("ShanghaiTech", {"dataset": "shanghaitech", "part": "A"}),
    B: ("ShanghaiTech", {"dataset": "shanghaitech", "part": "B"}),
    QNRF: ("UCF-QNRF", {"dataset": "ucf_qnrf"}),
    UCF: ("UCF_CC_50", {"dataset": "ucf_cc_50"}),
    MALL: ("mall_dataset", {"dataset": "mall"}),
}
FOLDS = 5  # of UCF_CC_50


@dataclass(frozen=True)
class Budget:
    """The limits of a table's runs.

    Attributes:
        name: ``"smoke"``, ``"short"`` or ``"full"``.
        text: Its description, for the page of results.
        seeds: Number of seeds per row unless the user chooses another.
        data: Changes to the data section for all data sets.
        per_data: Changes to the data section for individual data sets.
        optim: The optimizer.
        run: Length and precision.
        stand_in: Models that are trained in place of others.
        data_stand_in: Data sets that are trained on in place of others.
        models: Models that it can afford, after ``stand_in``; empty for all.
        small: Keywords that make individual models small.
        folds: Number of folds of UCF_CC_50 that are trained.
        synthetic: Whether synthetic scenes replace every data set.
    """

    name: str
    text: str
    seeds: int
    optim: dict[str, Any]
    run: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)
    per_data: dict[str, dict[str, Any]] = field(default_factory=dict)
    stand_in: dict[str, str] = field(default_factory=dict)
    data_stand_in: dict[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    small: dict[str, dict[str, Any]] = field(default_factory=dict)
    folds: int = FOLDS
    synthetic: bool = False

    def model(self, experiment: Experiment) -> str:
        """Return the name of the model that is trained for an experiment."""
        return self.stand_in.get(experiment.model, experiment.model)

    def dataset(self, table: Table, name: str) -> str:
        """Return the name of the data set that is trained on for one of a table's."""
        return name if table.itself else self.data_stand_in.get(name, name)

    def affords(self, experiment: Experiment) -> bool:
        """Whether the experiment's model is trained at all."""
        return not self.models or self.model(experiment) in self.models


_ADAMW = {
    "name": "adamw",
    "lr": 1e-3,
    "weight_decay": 1e-4,
    "schedule": "cosine",
    "warmup": 0.02,
    "clip_norm": 1.0,
    "ema_decay": 0.99,
}
_NARROW = {
    "crr_widths": [8, 8, 8, 8],
    "dle_widths": [8, 8, 8, 8],
    "dme_widths": [16, 16, 16, 16],
    "init": "kaiming",
}

BUDGETS = {
    "smoke": Budget(
        name="smoke",
        text="drawn scenes of 96 x 96 pixels, one step: shows that every row runs, and nothing else",
        seeds=1,
        optim={**_ADAMW, "warmup": 0.0},
        run={"epochs": 1, "batch_size": 2},
        data={
            "dataset": "synthetic",
            "options": {"length": 4, "size": [96, 96], "people": [2, 9]},
            "crop": [96, 96],
            "val_fraction": 0.5,
            "sigma": 4.0,
        },
        small={"cfanet": _NARROW},
        folds=1,
        synthetic=True,
    ),
    "short": Budget(
        name="short",
        text="ShanghaiTech part B (also where the paper has part A) at half resolution, crops of 192 x 256, batch 4, "
        "12 epochs, AdamW 1e-3 with a cosine, bfloat16; cfanet_lite stands for CFANet",
        seeds=1,
        optim=_ADAMW,
        run={
            "epochs": 12,
            "batch_size": 4,
            "precision": "bfloat16",
            "channels_last": True,
            "validate_every": 2,
        },
        data={"crop": [192, 256], "long_side_max": 512},
        per_data={A: {"sigma": 4.0}, B: {"sigma": 8.0}},
        stand_in={"cfanet": "cfanet_lite"},
        data_stand_in={A: B},
        models=("cfanet_lite", "mcnn"),
        folds=1,
    ),
    "full": Budget(
        name="full",
        text="the paper's recipe: half-size crops, batch 1, Adam 2e-5 halved every fifth of 500 epochs",
        seeds=1,
        optim={"name": "adam", "lr": 2e-5, "schedule": "halve"},
        run={
            "epochs": 500,
            "batch_size": 1,
            "validate_every": 5,
            "precision": "bfloat16",
            "channels_last": True,
        },
        data={"crop": 0.5},
        per_data={
            A: {"short_side_min": 384},
            B: {"short_side_min": 384},
            QNRF: {"options": {"resize": "cfanet"}},
        },
    ),
}


def configuration(
    budget: Budget,
    experiment: Experiment,
    dataset: str,
    *,
    seed: int,
    fold: int = 0,
    root: Path | None = None,
    weights: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Build the configuration of one run, as nested tables, without its folder.

    Args:
        budget: The budget.
        experiment: The row's model and loss.
        dataset: The data set that is trained on.
        seed: The run's seed.
        fold: The fold of UCF_CC_50 that is held out.
        root: The folder that holds the data sets.
        weights: Encoder weights by model name.

    Returns:
        The configuration for :func:`crowdkit.training.config_from_dict`.
    """
    folder, section = DATA[dataset]
    data = {**section, **budget.data, **budget.per_data.get(dataset, {})}
    if budget.synthetic:
        data.pop("part", None)
    else:
        data["root"] = str((root or Path()) / folder)
    if dataset == UCF and not budget.synthetic:
        data["options"] = {**data.get("options", {}), "fold": fold}
    model = budget.model(experiment)
    options = {**budget.small.get(model, {}), **experiment.options}
    if weights and model in weights:
        options["encoder_weights"] = weights[model]
    return {
        "data": data,
        "model": {"name": model, "options": options},
        "loss": {
            "name": experiment.loss,
            "options": experiment.loss_options,
            **({"also": experiment.also} if experiment.also else {}),
        },
        "optim": budget.optim,
        "run": {**budget.run, "seed": seed},
    }
