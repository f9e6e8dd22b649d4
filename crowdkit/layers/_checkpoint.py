"""Training checkpoints: the tensors in them, whatever lies beside these, without running code."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Self

import torch
from torch import Tensor

from crowdkit.errors import DataError

# Where training scripts put the weights in their checkpoints, the first found goes first.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "weights", "params", "module", "network")
# Counters that a profiler (thop) leaves among the weights.
_COUNTERS = ("total_ops", "total_params")
_NO_WEIGHTS = (
    (b"version https://git-lfs", "a Git LFS pointer; fetch the file itself with git lfs pull"),
    (b"<", "a web page; download the file itself, in a browser if a page asks for it"),
    (b"{", "JSON; give the file of weights beside it"),
)
# What a file that means harm would ask for; nobody's training settings do.
_REFUSED = (
    "builtins",
    "__builtin__",
    "os",
    "posix",
    "nt",
    "sys",
    "subprocess",
    "shutil",
    "importlib",
    "runpy",
)
_MOST_KINDS = 100


class _Inert:
    """Stands for an object of a class that is not known; takes whatever the file has for it and does nothing."""

    kind = ""

    def __new__(cls, *_: Any, **__: Any) -> Self:
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass


class _InertTable:
    """Stands for a kind of dictionary; what is read is a plain one."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        return OrderedDict()


class _InertList(list[Any]):
    """Stands for a kind of list."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()


_WORDS = (
    (re.compile(r"GLOBAL ([\w.]+)"), _Inert),
    (re.compile(r"Can only SETITEMS? .* but got <class '[\w.]*?_checkpoint\.([\w.]+)'>"), _InertTable),
    (re.compile(r"Can only append to lists, but got <class '[\w.]*?_checkpoint\.([\w.]+)'>"), _InertList),
)


def read_state(file: Path) -> dict[str, Tensor]:
    """Read the tensors of a PyTorch file.

    Settings, NumPy values and other objects beside the weights are passed over without being made.

    Args:
        file: The file.

    Returns:
        Tensors by key.

    Raises:
        DataError: If there are none; the message says what the file is instead.
    """
    with file.open("rb") as opened:
        begin = opened.read(64).lstrip()
    if not begin and file.stat().st_size == 0:
        raise DataError(
            f"weights: expected a state dictionary in {file}, got an empty file; download it again"
        )
    for magic, what in _NO_WEIGHTS:
        if begin.startswith(magic):
            raise DataError(f"weights: expected a state dictionary in {file}, got {what}")
    content = _load(file)
    if isinstance(content, _Inert):
        raise DataError(
            f"weights: expected a state dictionary in {file}, got a whole pickled object, {content.kind}, which "
            "only its own code can read; save its state_dict()"
        )
    if not isinstance(content, dict):
        raise DataError(
            f"weights: expected a state dictionary in {file}, got {type(content).__name__}; save its state_dict()"
        )
    return {
        key: value
        for key, value in _tensors_in(content, file).items()
        if key.rpartition(".")[2] not in _COUNTERS
    }


def without_shared_prefix(state: dict[str, Tensor], expected: Iterable[str] = ()) -> dict[str, Tensor]:
    """Take away what all keys begin with: ``module.``, ``_orig_mod.``, ``model.`` and the like.

    Args:
        state: Tensors by key.
        expected: Keys that are wanted; once one is there, nothing more goes.

    Returns:
        The same tensors under the rest of their keys.
    """
    wanted = set(expected)
    while len(state) > 1 and not wanted & set(state):
        first = {key.partition(".")[0] for key in state}
        if len(first) != 1 or next(iter(first)).isdecimal() or not all("." in key for key in state):
            break
        state = {key.partition(".")[2]: value for key, value in state.items()}
    return state


def _load(file: Path) -> Any:
    """Load with torch's own restricted reader, to which objects of unknown classes are given as inert ones."""
    known: dict[str, Any] = {
        f"builtins.{each.__name__}": each for each in (list, dict, int, float, str, bool)
    }
    for _ in range(_MOST_KINDS):
        allowed = [(stand_in, name) for name, stand_in in known.items()]
        try:
            with torch.serialization.safe_globals([*_numpy(), *allowed]):
                return torch.load(file, map_location="cpu", weights_only=True)
        except UnpicklingError as error:
            name, base = _unknown(str(error))
            if name is None or name.partition(".")[0] in _REFUSED or "." not in name:
                raise DataError(
                    f"weights: expected a state dictionary in {file}, got an unreadable file{_blame(name)}; save its "
                    "state_dict() alone"
                ) from error
            known[name] = type(name, (base,), {"kind": name})
    raise DataError(
        f"weights: expected a state dictionary in {file}, got objects of too many kinds; save it alone"
    )


def _unknown(said: str) -> tuple[str | None, type]:
    """Find in torch's words which class it does not know, or what a class should have been."""
    for pattern, base in _WORDS:
        found = pattern.search(said)
        if found:
            return found[1], base
    return None, _Inert


def _blame(name: str | None) -> str:
    """Say which object is refused, in a line and without torch's advice to load it all the same."""
    return "" if name is None else f" ({name} is not loaded, for it runs code)"


def _tensors_in(content: Mapping[Any, Any], file: Path) -> dict[str, Tensor]:
    """Return the tensors of the dictionary itself, or of the one inside it that holds some."""
    own = {key: each for key, each in content.items() if isinstance(key, str) and isinstance(each, Tensor)}
    nested = {key: each for key, each in content.items() if isinstance(each, dict) and _holds_tensors(each)}
    for key in _WRAPPERS:
        if key in nested:
            return _tensors_in(nested[key], file)
    if own or not nested:
        return own
    if len(nested) > 1:
        raise DataError(
            f"weights: expected one state dictionary in {file}, got several, {', '.join(map(str, nested))}; save the "
            "one to be used alone"
        )
    return _tensors_in(next(iter(nested.values())), file)


def _holds_tensors(content: Mapping[Any, Any]) -> bool:
    """Tell whether tensors stand under texts in a dictionary, or in one inside it; optimizers number theirs."""
    return any(
        isinstance(key, str)
        and (isinstance(each, Tensor) or (isinstance(each, dict) and _holds_tensors(each)))
        for key, each in content.items()
    )


def _numpy() -> list[Any]:
    """What PyTorch must know to read NumPy's numbers and arrays, such as the history of errors."""
    import numpy as np

    number: Any = np.float64(0).__reduce__()[0]
    array: Any = np.zeros(1).__reduce__()[0]
    dtypes = {
        type(np.dtype(each))
        for each in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")
    }
    # The functions' module was renamed; files know them by either name.
    modules = ("numpy.core.multiarray", "numpy._core.multiarray")
    functions = [
        (function, f"{module}.{name}")
        for module in modules
        for function, name in ((number, "scalar"), (array, "_reconstruct"))
    ]
    known = torch.serialization.get_safe_globals()
    # What the user has made known must stay so afterwards.
    return [each for each in (np.dtype, np.ndarray, *dtypes, *functions) if each not in known]
