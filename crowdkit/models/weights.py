"""Pretrained weights and their model cards: a JSON file describes the safetensors file beside it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path
from typing import Any, get_origin

from torch import Tensor

from crowdkit.errors import ArgumentError, DataError, unknown_name

BUNDLED = Path(__file__).parent / "bundled"


@dataclass(frozen=True, kw_only=True)
class WeightsCard:
    """The card of a file of trained weights.

    Attributes:
        name: The name of the weights.
        model: The model they belong to, a name of :func:`~crowdkit.models.list_models`.
        options: The model's keywords.
        file: The safetensors file, beside the card.
        sha256: Its SHA-256, in hexadecimal.
        bytes: Its size.
        encoder: The encoder and its initial weights.
        seed: Seed of the training.
        data: The training images: one table per data set, with its terms.
        recipe: The whole configuration of the training.
        versions: Versions of the software that the training used.
        validation: Figures on held-out training images: one table per data set.
        calibration: The interval of a count and the bounds of the training images' traits, in the form of
            ``Calibration.to_dict`` of :mod:`crowdkit.calibration`; empty if there are none.
        notes: Further notes for the reader.
        folder: The folder that the card was read from.
    """

    name: str
    model: str
    options: dict[str, Any]
    file: str
    sha256: str
    bytes: int
    encoder: str
    seed: int
    data: list[dict[str, Any]]
    recipe: dict[str, Any]
    versions: dict[str, Any]
    validation: list[dict[str, Any]]
    calibration: dict[str, Any] = field(default_factory=dict)
    notes: str = ""
    folder: Path | None = None

    def write(self, folder: str | Path) -> Path:
        """Write the card, ``NAME.json``.

        Args:
            folder: The folder of the weights.

        Returns:
            The file.
        """
        values = {key: value for key, value in asdict(self).items() if key != "folder"}
        path = Path(folder) / f"{self.name}.json"
        path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    def read_tensors(self) -> dict[str, Tensor]:
        """Read the weights after checking their hash. Runs no code from the file.

        Returns:
            Tensors by key, in float32 where they are floating point.

        Raises:
            DataError: If the file is missing, differs from the card, or is not a safetensors file.
        """
        from safetensors.torch import load

        path = (self.folder or Path()) / self.file
        if not path.is_file():
            raise DataError(
                f"weights: expected {path}, described by {self.name}.json, got no such file; install the "
                "package again"
            )
        content = path.read_bytes()
        found = sha256(content).hexdigest()
        if found != self.sha256:
            raise DataError(
                f"weights: expected {path} with SHA-256 {self.sha256[:12]}... and {self.bytes} bytes, as "
                f"{self.name}.json says, got {found[:12]}... and {len(content)} bytes; the file is damaged or "
                "another one; install the package again"
            )
        try:
            tensors = load(content)
        except Exception as error:  # safetensors raises its own types
            raise DataError(f"weights: expected a safetensors file in {path}, got {error}") from error
        return {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}

    def check_model(self, model: str, given: Mapping[str, Any]) -> None:
        """Raise if the weights belong to another model or were trained with other keywords.

        Args:
            model: Name of the model that is to be created.
            given: Keywords that it is to be created with.

        Raises:
            ArgumentError: If they do not match.
        """
        if model != self.model:
            own = ", ".join(repr(name) for name in list_weights(model)) or "none"
            raise ArgumentError(
                f"weights: expected weights of {model} ({own}), got {self.name!r}, which are weights of "
                f"{self.model}"
            )
        for key, value in given.items():
            trained = self.options.get(key)
            if key not in self.options or json.loads(json.dumps(value, default=str)) != trained:
                raise ArgumentError(
                    f"{key}: expected {trained!r}, as the weights {self.name!r} were trained with, got "
                    f"{value!r}; leave it out"
                )


def list_weights(model: str = "*") -> list[str]:
    """List the trained weights that come with crowdkit.

    Args:
        model: A model's name, or a shell pattern of names.

    Returns:
        The names, sorted; :func:`~crowdkit.models.create_model` accepts one as ``weights``.

    Examples:
        >>> list_weights("mcnn")
        []
    """
    names = sorted(path.stem for path in BUNDLED.glob("*.json"))
    return [name for name in names if model == "*" or fnmatch(weights_card(name).model, model)]


def weights_card(name: str | Path) -> WeightsCard:
    """Read the card of trained weights.

    Args:
        name: One of :func:`list_weights`, or the path of your own card (``.json``).

    Returns:
        The card.

    Raises:
        UnknownNameError: If there are no such weights.
        DataError: If the card is unreadable or incomplete.
    """
    known = list_weights()
    if str(name) in known:
        return _read_card(BUNDLED / f"{name}.json")
    if Path(name).suffix == ".json":
        return _read_card(Path(name))
    raise unknown_name("weights", str(name), known)


def _read_card(path: Path) -> WeightsCard:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"weights: expected a card at {path}, got {error.strerror}; check the path"
        ) from error
    except ValueError as error:
        raise DataError(f"weights: expected JSON in {path}, got {error}") from error
    if not isinstance(values, dict):
        raise DataError(f"weights: expected a table in {path}, got {type(values).__name__}")
    told = [each for each in fields(WeightsCard) if each.name != "folder"]
    needed = {each.name for each in told} - {"calibration", "notes"}
    missing, unknown = sorted(needed - set(values)), sorted(set(values) - {each.name for each in told})
    if missing or unknown:
        raise DataError(
            f"weights: expected a card of trained weights in {path}, got one with {', '.join(missing) or 'nothing'} "
            f"missing and {', '.join(unknown) or 'nothing'} unknown; is it of another version?"
        )
    for each in told:
        kind: Any = get_origin(each.type) or each.type
        if each.name in values and not isinstance(values[each.name], kind):
            raise DataError(
                f"weights: expected {each.name} in {path} to be a {kind.__name__}, got {values[each.name]!r}"
            )
    card = WeightsCard(**values, folder=path.parent)
    if card.name != path.stem or Path(card.file).name != card.file:
        raise DataError(
            f"weights: expected the card of {path.stem!r} and of a file beside it in {path}, got that of "
            f"{card.name!r} and {card.file!r}"
        )
    return card
