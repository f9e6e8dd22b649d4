"""The model that a user names: bundled weights, a card, a model's folder, or a run's."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from crowdkit.calibration import Calibration, read_calibration
from crowdkit.errors import ArgumentError, DataError
from crowdkit.models import CrowdModel, create_model, list_weights, load_model, weights_card

DEFAULT = "shanghaitech"


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model with what is known of its counts.

    Attributes:
        model: The model, in ``eval()``, on the CPU.
        calibration: How far its counts may be trusted, if that was ever measured.
        title: What it is, for people.
        folder: Where its files lie; ``None`` for weights with a card.
    """

    model: CrowdModel
    calibration: Calibration | None
    title: str
    folder: Path | None = None


def open_model(where: str | Path | None = None) -> LoadedModel:
    """Open a model and its calibration.

    Args:
        where: A name of :func:`~crowdkit.models.list_weights`; the card of weights of your own (``.json``); the
            folder of a model or of a run, whose best model is taken; ``None`` for the bundled
            ``"shanghaitech"``. A folder called like bundled weights is told apart by ``./``.

    Returns:
        The model.

    Raises:
        ArgumentError: If nothing is named and no weights are bundled.
        DataError: If there is no such model, or a file is damaged.

    Examples:
        >>> import tempfile
        >>> from crowdkit.models import create_model
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     create_model("mcnn").save(folder)
        ...     opened = open_model(folder)
        >>> opened.model.name, opened.calibration
        ('mcnn', None)
    """
    known = list_weights()
    if where is None:
        if DEFAULT not in known:
            raise ArgumentError(
                "model: expected the folder of a model or a run, got none, and no trained weights are bundled with "
                "this installation; train one with crowdkit train, or name one"
            )
        where = DEFAULT
    if str(where) in known or Path(where).suffix == ".json":
        card = weights_card(where)
        calibration = Calibration.from_dict(card.calibration) if card.calibration else None
        model = create_model(card.model, weights=where)
        return LoadedModel(model=model, calibration=calibration, title=f"{card.name} ({card.model})")
    folder = Path(where)
    if folder.is_file():
        raise DataError(
            f"model: expected the folder of a model or a run, got the file {folder}; name the folder that holds "
            "config.json and model.safetensors, or the card (.json) of weights"
        )
    if not folder.is_dir():
        near = get_close_matches(str(where), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"bundled are {known}, check the path"
        raise DataError(
            f"model: expected the folder of a model or a run, or bundled weights, got {where}, which does not "
            f"exist; {hint}"
        )
    folder = folder / "best" if (folder / "best").is_dir() else folder
    return LoadedModel(
        model=load_model(folder), calibration=read_calibration(folder), title=str(folder), folder=folder
    )
