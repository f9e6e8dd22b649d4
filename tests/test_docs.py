"""The docs are whole: no public name is missing from them, and no page from the table of contents."""

import importlib
import inspect
import re
import types
from pathlib import Path

import pytest

import crowdkit
from crowdkit.cli.main import _parser

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
ROOMS = ("ops", "targets", "layers", "losses", "metrics", "models", "data", "counting", "engine", "pictures")
MODULES = (*ROOMS, "prediction", "errors")
# The results page is written from measurements; everything else must be there.
PAGES = sorted(p for p in DOCS.rglob("*") if p.suffix in (".md", ".rst") and "_build" not in p.parts)
TEXTS = [
    *PAGES,
    DOCS / "conf.py",
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
]

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="the docs are not beside the tests")


def public_names(module: types.ModuleType) -> set[str]:
    if hasattr(module, "__all__"):
        return set(module.__all__)
    made_here = inspect.getmembers(module, lambda each: getattr(each, "__module__", None) == module.__name__)
    return {name for name, _ in made_here if not name.startswith("_")}


def documented(page: Path) -> list[str]:
    return re.findall(
        r"^\.\. auto(?:function|class|exception):: (\w+)$", page.read_text(encoding="utf-8"), re.M
    )


def table_of_contents(page: Path) -> set[Path]:
    entries = set()
    for block in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
        names = [line for line in block.splitlines() if line and not line.startswith(":")]
        for name in names:
            found = {each.with_suffix("") for each in page.parent.glob(f"{name}.md")}
            entries |= found if "*" in name else {page.parent / name}
    return entries


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_is_documented_once(name):
    page = DOCS / "api" / f"{name}.rst"
    module = importlib.import_module(f"crowdkit.{name}")
    found = documented(page)
    assert len(found) == len(set(found))
    readers = public_names(importlib.import_module("crowdkit.data.annotations")) if name == "data" else set()
    assert public_names(module) <= set(found)
    assert set(found) - public_names(module) <= readers


def test_every_room_has_a_page():
    folders = {path.parent.name for path in Path(crowdkit.__file__).parent.glob("*/__init__.py")}
    assert folders - {"cli"} == set(ROOMS)


def test_every_page_is_in_a_table_of_contents():
    listed = {entry for page in PAGES for entry in table_of_contents(page)}
    assert {page.with_suffix("") for page in PAGES} - listed <= {DOCS / "index"}
    missing = {entry for entry in listed if entry.with_suffix(".md") not in PAGES}
    missing -= {page.with_suffix("") for page in PAGES}
    assert missing <= {DOCS / "results"}


def test_changelog_begins_with_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", text, re.M)
    assert versions[0] == crowdkit.__version__
    headings = re.findall(r"^## (.*)$", text, re.M)
    assert len(headings) - len(versions) == headings.count("[Unreleased]") <= 1


def test_every_command_has_a_section():
    [commands] = [each for each in _parser()._actions if each.choices]
    headings = re.findall(r"^## crowdkit (\w+)$", (DOCS / "cli.md").read_text(encoding="utf-8"), re.M)
    assert sorted(headings) == sorted(commands.choices)


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_no_page_names_somebodys_machine(page):
    found = re.findall(r"(?<![\w.\-])/(?:work|home|root|tmp|Users|mnt)/\S*", page.read_text(encoding="utf-8"))
    assert not found


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not link.startswith(("http:", "https:", "mailto:")):
            target = page.parent / link
            assert target.exists() or target == DOCS / "results.md", link


@pytest.mark.parametrize("page", [page for page in PAGES if page.suffix == ".md"], ids=lambda page: page.name)
def test_examples_are_run(page):
    # A prompt outside a doctest block would be shown and never run.
    text = page.read_text(encoding="utf-8")
    outside = re.sub(r"```\{doctest\}\n.*?```", "", text, flags=re.S)
    assert ">>>" not in outside
