"""One training of a table: run once, resumed after interruptions, measured by validation, stored as JSON."""

import hashlib
import json
import os
import platform
import shutil
from pathlib import Path
from typing import Any

import torch

import crowdkit
from benchmarks.paper.budgets import DATA, Budget
from benchmarks.paper.tables import UCF, A, B
from crowdkit.evaluation import evaluate
from crowdkit.models import load_model
from crowdkit.training import config_from_dict, open_split, resizing, train

# For training on one part and also counting the other: how a loss generalizes to another kind of scene.
OTHER = {A: B, B: A}
_PLACES = (
    "root",
    "encoder_weights",
    "folder",
    "device",
    "workers",
)  # locations, which do not affect the result


def key_of(config: dict[str, Any]) -> str:
    """Name a run by its configuration: the same in every table that needs it."""
    what = without_places(config)
    digest = hashlib.blake2b(json.dumps(what, sort_keys=True).encode(), digest_size=5).hexdigest()
    data = what["data"].get("dataset", "") + str(what["data"].get("part", ""))
    return f"{data}-{what['model']['name']}-{what['loss']['name']}-{what['run']['seed']}-{digest}"


def without_places(config: dict[str, Any]) -> dict[str, Any]:
    """Remove locations from a configuration; record instead whether the encoder was pretrained."""
    clean = {section: _what(values) for section, values in config.items()}
    options = config["model"]["options"]
    clean["model"] = {
        **clean["model"],
        "options": _what(options),
        "pretrained": options.get("encoder_weights") is not None,
    }
    return clean


def _what(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in _PLACES}


class Claim:
    """A run claimed by this process, which others skip. The claim of a dead process is ignored."""

    def __init__(self, folder: Path, key: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{key}.claim"

    def __enter__(self) -> bool:
        if self.path.exists() and not _alive(int(self.path.read_text() or 0)):
            self.path.unlink()
        try:
            with self.path.open("x") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            self.mine = False
        else:
            self.mine = True
        return self.mine

    def __exit__(self, *_: object) -> None:
        if self.mine:
            self.path.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def run(
    config: dict[str, Any],
    *,
    dataset: str,
    budget: Budget,
    results: Path,
    folder: Path,
    data_root: Path | None,
    test: bool,
    keep: bool,
) -> dict[str, Any] | None:
    """Train and measure, or read an earlier measurement.

    Args:
        config: A configuration from :func:`~benchmarks.paper.budgets.configuration`.
        dataset: The table's name of the data set.
        budget: The budget.
        results: The folder of the JSON files.
        folder: Where runs are written.
        data_root: The folder that holds the data sets.
        test: Also measure on the official test images, once, with the model that validation selected.
        keep: Keep the run's folder after it is measured.

    Returns:
        The result; None if another process is working on it.
    """
    key = key_of(config)
    path = results / f"{key}.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    with Claim(folder, key) as mine:
        if not mine:
            return None
        place = folder / key
        full = {**config, "run": {**config["run"], "folder": str(place)}}
        settings = config_from_dict(full)
        resumed = (place / "config.toml").exists()
        done = train(settings, resume=resumed)
        model = load_model(place / "best")
        measured = _measure(full, model, split="val", precision=settings.run.precision)
        result = {
            "key": key,
            "budget": budget.name,
            "dataset": dataset,
            "config": without_places(config),
            "best_epoch": done.best_epoch,
            "validation": measured,
            "curve": _curve(place),
            "seconds": None if resumed else round(done.seconds, 1),
            "threads": torch.get_num_threads(),
            "device": _device(),
            "versions": {"crowdkit": crowdkit.__version__, "torch": torch.__version__},
        }
        if dataset in OTHER:
            other = full
            if not budget.synthetic:
                section, more = DATA[OTHER[dataset]]
                other = {
                    **full,
                    "data": {**full["data"], **more, "root": str((data_root or Path()) / section)},
                }
            result["other_part"] = _measure(other, model, split="val", precision=settings.run.precision)
        if test or (dataset == UCF and not budget.synthetic):
            result["test"] = _measure(full, model, split="test", precision=settings.run.precision)
        results.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(result, indent=1) + "\n")
        part.replace(path)
        if not keep:
            shutil.rmtree(place)
        return result


def _measure(config: dict[str, Any], model: Any, *, split: str, precision: str) -> dict[str, Any]:
    data = config_from_dict(config).data
    found = evaluate(
        model,
        open_split(data, split),
        sigma=data.sigma,
        transform=resizing(data),
        full_resolution=True,
        precision=precision,
    )
    return {**{name: round(value, 5) for name, value in found.metrics().items()}, "images": found.images}


def _curve(place: Path) -> list[dict[str, float]]:
    events = [json.loads(line) for line in (place / "metrics.jsonl").read_text().splitlines()]
    names = ("epoch", "mae", "rmse", "background_ratio")
    return [
        {name: round(event[name], 5) for name in names} for event in events if event["kind"] == "validation"
    ]


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
