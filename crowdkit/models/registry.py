"""Models by name."""

from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from types import MappingProxyType
from typing import Any

from crowdkit.errors import ArgumentError, DataError, check_choice, check_keywords
from crowdkit.models.base import CrowdModel, read_folder
from crowdkit.models.can import CAN
from crowdkit.models.cfanet import CFANet
from crowdkit.models.cfanet_lite import cfanet_lite
from crowdkit.models.csrnet import CSRNet
from crowdkit.models.dsnet import DSNet
from crowdkit.models.marunet import MARUNet
from crowdkit.models.mcnn import MCNN
from crowdkit.models.published import load_exact
from crowdkit.models.sanet import SANet
from crowdkit.models.sfcn import SFCNResNet101
from crowdkit.models.vgg19_bl import VGG19BL
from crowdkit.models.weights import weights_card

_MODELS: Mapping[str, Callable[..., CrowdModel]] = MappingProxyType(
    {
        "can": CAN,
        "cfanet": CFANet,
        "cfanet_lite": cfanet_lite,
        "csrnet": CSRNet,
        "dsnet": DSNet,
        "marunet": MARUNet,
        "mcnn": MCNN,
        "sanet": SANet,
        "sfcn_resnet101": SFCNResNet101,
        "vgg19_bl": VGG19BL,
    }
)


def list_models(pattern: str = "*") -> list[str]:
    """List the names that :func:`create_model` accepts.

    Args:
        pattern: A shell pattern, for example ``"cfanet*"``.

    Returns:
        The names that match, sorted.

    Examples:
        >>> list_models("cfanet*")
        ['cfanet', 'cfanet_lite']
    """
    return sorted(name for name in _MODELS if fnmatch(name, pattern))


def create_model(name: str, *, weights: str | Path | None = None, **config: Any) -> CrowdModel:
    """Create a model by name.

    Args:
        name: One of :func:`list_models`.
        weights: Trained weights: one of :func:`list_weights`, or the path of your own card (``.json``). They define
            the model's keywords too.
        **config: The model's own keywords; an unknown one is an error.

    Returns:
        The model, in ``eval()`` if ``weights`` is given; otherwise in training mode, with random weights unless
        ``encoder_weights`` is given.

    Raises:
        UnknownNameError: If there is no such model, keyword or set of weights.
        ArgumentError: If the weights belong to another model or were trained with other keywords.
        DataError: If the weights file is damaged or does not match the model.

    Examples:
        >>> create_model("cfanet_lite", levels=4).stride
        4
    """
    make = maker(name)
    check_keywords(f"keyword of {name}", config, make)
    if weights is None:
        return make(**config)
    card = weights_card(weights)
    card.check_model(name, config)
    check_keywords(f"keyword of {name}", card.options, make)
    state = card.read_tensors()
    model = make(**card.options)
    load_exact(model, state, path=card.file, kind=f"weights {card.name!r} of")
    return model.eval()


def maker(name: str) -> Callable[..., CrowdModel]:
    """Return what creates the models of a name: a class or a function.

    Raises:
        UnknownNameError: If there is no such model.
    """
    check_choice("model", name, _MODELS)
    return _MODELS[name]


def load_model(folder: str | Path) -> CrowdModel:
    """Load a model that ``model.save(folder)`` wrote. Runs no code from the files.

    Args:
        folder: A folder with ``config.json`` and ``model.safetensors``.

    Returns:
        The model in ``eval()``, on the CPU.

    Raises:
        DataError: If a file is missing, unreadable, or does not match the model.

    Examples:
        >>> import tempfile
        >>> model = create_model("cfanet_lite")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(folder)
        ...     same = load_model(folder)
        >>> same.config["levels"]
        6
    """
    name, config, state = read_folder(folder)
    if "encoder_weights" in config:
        # The saved weights replace the encoder's; the file these came from may be elsewhere.
        config = {**config, "encoder_weights": None}
    model = create_model(name, **config)
    missing, unexpected = model.load_state_dict(state, strict=False)
    if missing or unexpected:
        raise DataError(
            f"model: expected the weights of {name} in {folder}, got {len(missing)} missing "
            f"({', '.join(missing[:5])}) and {len(unexpected)} unknown ({', '.join(unexpected[:5])})"
        )
    return model.eval()


def load_published(name: str, path: str | Path, **options: Any) -> CrowdModel:
    """Load weights that a model's original repository released. Runs no code from the file.

    The model prepares its input and scales its output as the original does, so that the counts agree. The keywords
    in which it differs from the default are in ``model.config``, and ``model.save`` keeps them.

    Args:
        name: A model of :func:`list_models` whose class has ``load_published``.
        path: A ``.pth``, ``.pth.tar``, ``.h5``, ``.npz`` (also in a ``.zip``) or ``.safetensors`` file.
        **options: Keywords of the class's own ``load_published``, such as ``trained_on``.

    Returns:
        The model in ``eval()``, on the CPU.

    Raises:
        UnknownNameError: If there is no such model, or its ``load_published`` has no such keyword.
        ArgumentError: If no released weights of this model are known.
        DataError: If the file is unreadable or its tensors do not fit; the message lists them.
        MissingDependencyError: If the file is HDF5 and h5py does not import.
    """
    check_choice("model", name, _MODELS)
    load: Callable[..., CrowdModel] | None = getattr(_MODELS[name], "load_published", None)
    if load is None:
        known = ", ".join(repr(each) for each in list_models() if hasattr(_MODELS[each], "load_published"))
        raise ArgumentError(f"name: expected a model with published weights ({known}), got {name!r}")
    check_keywords(f"keyword of {name}.load_published", options, load)
    return load(path, **options)
