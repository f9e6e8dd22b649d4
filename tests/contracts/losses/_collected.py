"""The cases of all files here."""

from importlib import import_module
from pathlib import Path

from losses._case import Case, PointCase

_FILES = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
_ALL = [import_module(f"losses.{name}").CASE for name in _FILES]
CASES = [case for case in _ALL if isinstance(case, Case)]
POINT_CASES = [case for case in _ALL if isinstance(case, PointCase)]
