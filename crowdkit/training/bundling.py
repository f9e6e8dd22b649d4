"""From a run to a bundle: weights in half precision, and the card that says what they are and what they give."""

import inspect
from collections.abc import Callable, Mapping
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from crowdkit.data import CrowdData
from crowdkit.errors import ConfigError, DataError
from crowdkit.evaluation import Result, calibrate_results, evaluate, mean_baseline
from crowdkit.models import CrowdModel, WeightsCard, create_model, load_model, maker, weights_card
from crowdkit.training.checkpoint import load_checkpoint
from crowdkit.training.config import SourceConfig, TrainConfig
from crowdkit.training.config_io import config_to_dict, load_config
from crowdkit.training.sources import data_sources, open_empty_scenes, open_splits, resizing

# What is known of the terms of the data sets, for the cards of weights that have learned from them.
TERMS: Mapping[str, str] = {
    "shanghaitech": "published for research by its authors (Zhang et al., CVPR 2016); its files state no license",
    "folder": "those of its owner",
    "synthetic": "drawn by crowdkit, Apache-2.0",
}
_UNKNOWN_TERMS = "published for research; ask its authors"


def bundle(
    run: str | Path,
    folder: str | Path,
    *,
    name: str,
    root: str | Path | None = None,
    notes: str = "",
    device: str | torch.device = "auto",
    precision: str = "float32",
    progress: bool = False,
) -> WeightsCard:
    """Make a bundle of a run's best model: ``NAME.safetensors`` and its card, ``NAME.json``.

    Weights are kept in half precision; a bias, a norm or its running statistics that would change by more than a
    thousandth stays in float32: a running variance may be too small for half precision. The card's
    figures are those of the weights as they were written and read again: every data set's validation images, the
    interval fitted on all of these, and the bounds of the training images. No test image is read. The same run gives
    the same bytes.

    Args:
        run: The run's folder.
        folder: Where to; the package's own bundles lie in ``crowdkit/models/bundled``.
        name: What the weights shall be called.
        root: Where the run's data lies now, if it has moved.
        notes: What else a reader should know.
        device: Where to compute.
        precision: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        progress: Whether to draw progress bars.

    Returns:
        The card.

    Raises:
        DataError: If the run has no model yet, or a weight does not fit into half precision.
        ConfigError: If the model that was saved is not the one of the run's configuration.
        ArgumentError: If there are too few validation images for an interval.
    """
    source, target = Path(run), Path(folder)
    config = load_config(source / "config.toml", [] if root is None else [f"data.root={root}"])
    best = load_model(source / "best")
    options = _options_of(best, config.model.name)
    content = _in_halves(best.state_dict())
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{name}.safetensors").write_bytes(content)
    facts: dict[str, Any] = {
        "name": name,
        "model": config.model.name,
        "options": options,
        "file": f"{name}.safetensors",
        "sha256": sha256(content).hexdigest(),
        "bytes": len(content),
        "encoder": _encoder(config, options),
        "seed": config.run.seed,
        "recipe": _recipe(config),
        "versions": _versions(source),
        "notes": notes,
    }
    seen, held_out = open_splits(config.data, "train"), open_splits(config.data, "val")
    sources = data_sources(config.data)
    data = [_images(*each) for each in zip(sources, seen, held_out, strict=True)]
    card = WeightsCard(**facts, data=data, validation=[], folder=target)
    model = create_model(card.model, weights=card.write(target))
    ways: dict[str, Any] = {"device": device, "precision": precision, "progress": progress}
    resize = resizing(config.data)
    # One pass over the validation images gives their figures and the interval.
    results = [
        evaluate(model, images, sigma=part.sigma, transform=resize, traits=True, **ways)
        for part, images in zip(sources, held_out, strict=True)
    ]
    calibration = calibrate_results(
        (
            evaluate(model, images, transform=resize, map_metrics=False, traits=True, **ways)
            for images in seen
        ),
        results,
        zoom=config.data.scale or (1.0, 1.0),
    )
    validation = []
    for learned, images, result in zip(seen, held_out, results, strict=True):
        mean = mean_baseline(learned, images, transform=resize, stride=model.stride, map_metrics=False)
        validation.append({**_figures(result), "mae_of_the_mean": mean.mae})
    if config.data.empty_scenes:
        empty_scenes = open_empty_scenes(held_out, config.data, split="val")
        validation.append(_figures(evaluate(model, empty_scenes, **ways)))
    card = WeightsCard(
        **facts, data=data, validation=validation, calibration=calibration.to_dict(), folder=target
    )
    card.write(target)
    return card


def _figures(result: Result) -> dict[str, Any]:
    told = ("dataset", "split", "images", "people", "stride", "sigma", "protocol")
    metrics = {key: value if isfinite(value) else None for key, value in result.metrics().items()}
    return {**{key: getattr(result, key) for key in told}, **metrics, "mae_interval": [*result.mae_interval]}


def _options_of(model: CrowdModel, name: str) -> dict[str, Any]:
    """Find the keywords that make the saved model by the name that the run made it by."""
    make: Callable[..., CrowdModel] = maker(name)
    known = inspect.signature(make).parameters
    options = {key: value for key, value in model.config.items() if key in known}
    if "encoder_weights" in options:
        options["encoder_weights"] = None
    again = make(**options).config
    changed = [
        key for key, value in model.config.items() if again.get(key) != value and key != "encoder_weights"
    ]
    if changed:
        raise ConfigError(
            f"model: expected the {name} of the run's configuration, got a model with other {', '.join(changed)}; was "
            "its folder changed?"
        )
    return options


def _in_halves(state: Mapping[str, Tensor]) -> bytes:
    from safetensors.torch import save

    tensors = {}
    for key, value in state.items():
        tensors[key] = exact = value.detach().cpu().contiguous()
        if not exact.is_floating_point():
            continue
        half = exact.half()
        if exact.ndim > 1 or torch.allclose(half.float(), exact.float(), rtol=1e-3, atol=0):
            tensors[key] = half
        if not torch.isfinite(tensors[key]).all():
            raise DataError(
                f"weights: expected {key} to fit into {tensors[key].dtype}, got numbers that do not; the largest is "
                f"{float(exact.abs().max()):g}"
            )
    content: bytes = save(tensors)
    return content


def _encoder(config: TrainConfig, options: Mapping[str, Any]) -> str:
    given = config.model.options
    if "weights" in given:
        before = weights_card(given["weights"])
        return f"{before.encoder}, and went on from {before.name} of {before.sha256[:8]}"
    start = given.get("encoder_weights")
    begun = "random weights" if start is None else Path(str(start)).name
    return f"{options.get('encoder', config.model.name)}, started from {begun}"


def _recipe(config: TrainConfig) -> dict[str, Any]:
    """Give the configuration without the places on somebody's machine."""
    recipe = config_to_dict(config)
    recipe["data"]["root"] = ""
    recipe["run"]["folder"] = ""
    options = recipe["model"]["options"]
    for key in {"weights", "encoder_weights"} & options.keys():
        options[key] = Path(options[key]).name
    return recipe


def _versions(run: Path) -> dict[str, Any]:
    return dict(load_checkpoint(run / "last.pt")["versions"]) if (run / "last.pt").exists() else {}


def _images(source: SourceConfig, seen: CrowdData, held_out: CrowdData) -> dict[str, Any]:
    return {
        "dataset": seen.name,
        "split": "train",
        "images": len(seen),
        "people": sum(seen.count(index) for index in range(len(seen))),
        "held_out": len(held_out),
        "terms": TERMS.get(source.dataset, _UNKNOWN_TERMS),
    }
