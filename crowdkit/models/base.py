"""The base of every model: a stride, a configuration, and saving to a folder."""

import json
from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from crowdkit.errors import ConfigError, DataError
from crowdkit.prediction import Prediction


class CrowdModel(nn.Module):
    """Base class of all models: images (B, 3, H, W), RGB in [0, 1], to a :class:`~crowdkit.prediction.Prediction`.

    Attributes:
        stride: Side of a cell of the density map in pixels.
        name: The name under which :func:`crowdkit.models.create_model` creates it.
        config: The constructor's keyword arguments, JSON-able; recorded automatically.
        one_size: Why an exported graph is valid for images of one size only; ``None`` if for any.
    """

    stride: int
    name: str
    config: dict[str, Any]
    one_size: str | None = None

    def __init_subclass__(cls) -> None:
        """Make the constructor record its arguments."""
        super().__init_subclass__()
        if "__init__" in vars(cls):
            cls.__init__ = _recording(cls.__init__)  # type: ignore[method-assign]

    def forward(self, images: Tensor) -> Prediction:
        """Estimate density maps."""
        raise NotImplementedError

    def save(self, folder: str | Path) -> None:
        """Write ``config.json`` and ``model.safetensors``, each atomically.

        Args:
            folder: The folder; created if missing.

        Raises:
            ConfigError: If JSON cannot represent the configuration (a module was passed as encoder).
        """
        from safetensors.torch import save_file

        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        try:
            text = json.dumps({"model": self.name, "config": self.config}, indent=2) + "\n"
        except TypeError as error:
            raise ConfigError(
                f"config: expected values that JSON can represent, got {self.config}; a model with a module of your "
                "own as encoder is saved by torch.save(model.state_dict(), ...)"
            ) from error
        state = {key: value.detach().cpu().contiguous() for key, value in self.state_dict().items()}
        save_file(state, target / "model.safetensors.part")
        (target / "config.json.part").write_text(text, encoding="utf-8")
        for name in ("model.safetensors", "config.json"):
            (target / f"{name}.part").replace(target / name)


def _recording(init: Callable[..., None]) -> Callable[..., None]:
    known = signature(init)

    @wraps(init)
    def record_and_init(self: CrowdModel, *args: Any, **kwargs: Any) -> None:
        if "config" not in vars(self):  # otherwise a subclass has recorded its own and calls its parent
            given = known.bind(self, *args, **kwargs)
            given.apply_defaults()
            _, *own = given.arguments.items()
            self.config = {name: _plain(value) for name, value in own}
        init(self, *args, **kwargs)

    return record_and_init


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def read_folder(folder: str | Path) -> tuple[str, dict[str, Any], dict[str, Tensor]]:
    """Read the name, configuration and weights that :meth:`CrowdModel.save` wrote.

    Raises:
        DataError: If a file is missing or unreadable.
    """
    from safetensors.torch import load_file

    source = Path(folder)
    for name in ("config.json", "model.safetensors"):
        if not (source / name).is_file():
            raise DataError(
                f"model: expected {name} in {source}, got no such file; was it made by model.save?"
            )
    try:
        saved = json.loads((source / "config.json").read_text(encoding="utf-8"))
        name, config = saved["model"], dict(**saved["config"])
        return str(name), config, load_file(source / "model.safetensors")
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise DataError(f"model: expected a saved model in {source}, got {error!r}") from error
    except Exception as error:  # safetensors raises its own types
        raise DataError(f"model: expected a safetensors file in {source}, got {error}") from error
