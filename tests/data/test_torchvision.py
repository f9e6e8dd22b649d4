import builtins
import subprocess
import sys
from typing import Any

import pytest

import crowdkit.data
from crowdkit.data._torchvision import functional
from crowdkit.errors import MissingDependencyError


@pytest.mark.parametrize(
    "error", [ImportError("no module"), RuntimeError("operator torchvision::nms does not exist")]
)
def test_a_torchvision_that_does_not_fit_is_told(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    genuine = builtins.__import__

    def broken(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("torchvision"):
            raise error
        return genuine(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(MissingDependencyError, match="expected one that fits the installed torch"):
        functional()
    with pytest.raises(MissingDependencyError, match="torchvision"):
        _ = crowdkit.data.Points


def test_the_room_loads_without_torchvision() -> None:
    script = (
        "import sys, crowdkit.data; sys.exit(any(name in sys.modules for name in ('torchvision', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_unknown_names_of_the_room_are_told() -> None:
    with pytest.raises(AttributeError, match="CrowdFoldr"):
        _ = crowdkit.data.CrowdFoldr
