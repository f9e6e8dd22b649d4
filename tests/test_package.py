"""The package as a whole: floors, light parts, the guard against a mixed install."""

import ast
import shutil
import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path

import pytest

import crowdkit
from crowdkit import _guard
from crowdkit.errors import MixedInstallError

PACKAGE = Path(crowdkit.__file__).parent
ROOT = PACKAGE.parent
# Upper floors import lower ones; rooms on one floor do not know each other.
FLOORS = {
    "cli": 9,
    "training": 8,
    "evaluation": 7,
    "counting": 6,
    "calibration": 5,
    "export": 5,
    "models": 4,
    "data": 3,
    "losses": 2,
    "metrics": 2,
    "targets": 2,
    "layers": 2,
    "pictures": 2,
    "runtime": 2,
    "prediction": 1,
    "ops": 0,
    "errors": -2,
    "_guard": -1,
}


def _imported(file: Path) -> list[tuple[str, str]]:
    """Modules of crowdkit that a file imports from, with the names."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "crowdkit":
            found += [(f"crowdkit.{alias.name}", "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.module or "", alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
    return [(module, name) for module, name in found if module.startswith("crowdkit.")]


def _imports(file: Path) -> set[str]:
    """Rooms of crowdkit that a file imports."""
    return {module.split(".")[1] for module, _ in _imported(file)}


def _room(file: Path) -> str:
    part = file.relative_to(PACKAGE).parts[0]
    return part.removesuffix(".py")


def test_imports_go_down() -> None:
    assert _imports(PACKAGE / "__init__.py") <= {"_guard"}
    upward = {
        f"{file.relative_to(PACKAGE)} imports {other}"
        for file in PACKAGE.rglob("*.py")
        if (room := _room(file)) != "__init__"
        for other in _imports(file) - {room, "__version__"}
        if FLOORS[other] >= FLOORS[room]
    }
    assert not upward


def test_no_room_reaches_into_another() -> None:
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]
    reached = {
        f"{file.relative_to(ROOT)}: {module} {name}"
        for file in files
        for module, name in _imported(file)
        if not (file.is_relative_to(PACKAGE) and module.split(".")[1] == _room(file))
        if module.count(".") > 1 or name.startswith("_")
    }
    assert not reached


def test_the_command_and_the_examples_use_public_names() -> None:
    files = [*(PACKAGE / "cli").glob("*.py"), *(ROOT / "examples").rglob("*.py")]
    hidden = {
        f"{file.name}: {module} {name}"
        for file in files
        for module, name in _imported(file)
        if name and module.split(".")[1] not in ("cli", "errors")
        if name not in getattr(import_module(module), "__all__", [name])
    }
    assert not hidden


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
            names = {"torchvision", "timm", "torchmetrics", "scipy", "PIL", "matplotlib"}

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
        Image.new("RGB", (90, 60), "gray").save("photo.png")
        from crowdkit.cli.main import main
        main(["count", "photo.png"])
        heavy = {"timm", "torchmetrics", "torchvision", "torch._dynamo", "scipy", "matplotlib", "tensorboard"}
        print("imported:", *heavy & set(sys.modules))
        """,
        path=tmp_path,
    )
    assert "photo.png" in done.stdout, done.stderr
    assert done.stdout.splitlines()[-1].strip() == "imported:"


def test_every_room_is_light() -> None:
    done = _run(
        f"""
        import sys
        from importlib import import_module
        for room in {sorted(FLOORS)}:
            import_module(f"crowdkit.{{room}}") if room != "metrics" else None
        heavy = {{"timm", "torchmetrics", "torchvision", "torch._dynamo", "scipy", "matplotlib", "tensorboard"}}
        print("imported:", *heavy & set(sys.modules))
        """
    )
    assert done.stdout.strip() == "imported:", done.stderr


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
