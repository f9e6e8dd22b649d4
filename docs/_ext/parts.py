"""What the lists of the docs are made from: the rooms' public names, and the pages' front matter."""

import inspect
import re
from importlib import import_module
from pathlib import Path

LOSSES = Path(__file__).parent.parent / "losses"


def entries(room: str) -> list[str]:
    """Write the autodoc directive of every public name, a module beside the function it calls."""
    module = import_module(room)
    functions = {getattr(getattr(module, name), "function", None): name for name in module.__all__}
    order = []
    for name in module.__all__:
        value = getattr(module, name)
        if value in functions:
            continue  # stands before its module
        order += [each.__name__ for each in (getattr(value, "function", None),) if each] + [name]
    kinds = {name: "class" if inspect.isclass(getattr(module, name)) else "function" for name in order}
    return [f".. auto{kinds[name]}:: {name}" for name in order]


def loss_pages() -> dict[str, dict[str, str]]:
    """Read the front matter of the losses' pages: by page, the loss, what it compares and when to use it."""
    pages = {}
    for path in sorted(LOSSES.glob("*.md")):
        _, front, _ = path.read_text(encoding="utf-8").split("---\n", 2)
        pages[path.stem] = dict(re.findall(r'^([\w-]+): "?(.*?)"?$', front, re.M))
    return pages
