"""The package as a whole: floors, light parts, the guard against a mixed install."""

import ast
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import crowdkit
from crowdkit import _guard
from crowdkit.errors import MixedInstallError

PACKAGE = Path(crowdkit.__file__).parent
# Upper floors import lower ones; rooms on one floor do not know each other.
FLOORS = {
    "cli": 6,
    "engine": 5,
    "counting": 5,
    "models": 4,
    "data": 3,
    "losses": 2,
    "metrics": 2,
    "targets": 2,
    "layers": 2,
    "pictures": 2,
    "prediction": 1,
    "ops": 0,
    "errors": -2,
    "_guard": -1,
}


def _imports(file: Path) -> set[str]:
    """Rooms of crowdkit that a file imports."""
    rooms = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "crowdkit":
                names = [f"crowdkit.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("crowdkit.")}
    return rooms


def _room(file: Path) -> str:
    part = file.relative_to(PACKAGE).parts[0]
    return part.removesuffix(".py")


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_go_down(file: Path) -> None:
    room = _room(file)
    if room == "__init__":
        assert _imports(file) <= {"_guard"}
        return
    imported = _imports(file) - {room, "__version__"}
    upward = {other for other in imported if FLOORS[other] >= FLOORS[room]}
    assert not upward, f"{room} imports {upward}"


def test_every_room_has_a_floor_and_the_guard() -> None:
    rooms = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()}
    assert rooms <= set(FLOORS)
    for room in rooms:
        assert "_guard" in _imports(PACKAGE / room / "__init__.py"), room


def _run(code: str, *, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, cwd=path, timeout=120)


def test_light_parts_load_torch_alone() -> None:
    done = _run(
        """
        import sys

        class Blocked:
            names = {"torchvision", "timm", "torchmetrics", "scipy", "PIL", "matplotlib", "pytorch_msssim"}

            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in self.names:
                    raise RuntimeError(f"{name} is not light")

        sys.meta_path.insert(0, Blocked())
        import crowdkit.losses, crowdkit.layers, crowdkit.targets, crowdkit.ops, crowdkit.prediction

        from crowdkit.losses import BSL
        import torch
        print(float(BSL()(torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16))) > 0)
        """
    )
    assert done.stdout.strip() == "True", done.stderr


def test_counting_a_photograph_imports_no_more_than_it_needs(tmp_path: Path) -> None:
    done = _run(
        """
        import sys
        from PIL import Image
        Image.new("RGB", (90, 60), "grey").save("photo.png")
        from crowdkit.cli.main import main
        main(["count", "photo.png"])
        heavy = {"timm", "torchmetrics", "torchvision", "torch._dynamo", "scipy", "matplotlib", "tensorboard"}
        print("imported:", *heavy & set(sys.modules))
        """,
        path=tmp_path,
    )
    assert "photo.png" in done.stdout, done.stderr
    assert done.stdout.splitlines()[-1].strip() == "imported:"


def test_a_torchvision_that_does_not_fit_is_told_where_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')\n"
    )
    done = _run(
        f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import crowdkit.losses, crowdkit.layers, crowdkit.targets
        from crowdkit.errors import MissingDependencyError
        try:
            crowdkit.layers.TimmEncoder("resnet18")
        except MissingDependencyError as error:
            print(error)
        """
    )
    assert "install a torchvision that fits torch" in done.stdout, done.stderr


# ---- beside Toloka's crowd-kit ---------------------------------------------------------------------


def _install(site: Path, *, ours_last: bool) -> None:
    """Lay both packages' files into one folder, in either order, as pip would."""
    theirs = {"__init__.py": "", "aggregation/__init__.py": "", "metrics/__init__.py": ""}

    def lay_theirs() -> None:
        for name, text in theirs.items():
            file = site / "crowdkit" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def lay_ours() -> None:
        shutil.copytree(
            PACKAGE, site / "crowdkit", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
        )

    for lay in (lay_theirs, lay_ours) if ours_last else (lay_ours, lay_theirs):
        lay()


@pytest.mark.parametrize("ours_last", [True, False])
def test_a_mixed_install_is_a_clear_error(ours_last: bool, tmp_path: Path) -> None:
    _install(tmp_path, ours_last=ours_last)
    rooms = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()}
    if not ours_last:
        rooms -= {"metrics"}  # that file is theirs then, and imports in peace
    done = _run(
        f"""
        import sys
        from importlib import import_module
        sys.path.insert(0, ".")
        for room in {rooms}:
            try:
                import_module(f"crowdkit.{{room}}")
            except ImportError as error:
                print(type(error).__name__, "pip uninstall crowd-kit crowdkit" in str(error))
        """,
        path=tmp_path,
    )
    assert done.stdout.splitlines() == ["MixedInstallError True"] * len(rooms), done.stderr


def test_the_guard_lets_ours_alone(tmp_path: Path) -> None:
    _guard.check(tmp_path)
    (tmp_path / "aggregation").mkdir()
    (tmp_path / "aggregation" / "__init__.py").touch()
    with pytest.raises(MixedInstallError, match="Toloka's 'crowd-kit' in the same folder"):
        _guard.check(tmp_path)
