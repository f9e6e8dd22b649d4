"""Directives that write the lists of a room's parts from the code and the pages themselves."""

from typing import ClassVar

from docutils import nodes
from parts import LOSSES, entries, loss_pages
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class PublicNames(SphinxDirective):
    """``.. public-names::`` documents all names of the module that the page is about."""

    def run(self) -> list[nodes.Node]:
        lines = entries(self.env.ref_context["py:module"])
        return self.parse_text_to_nodes("\n\n".join(lines))


class Losses(SphinxDirective):
    """``{losses}`` is the table of all losses that have a page."""

    head: ClassVar = ("loss", "what it compares", "use it when")

    def run(self) -> list[nodes.Node]:
        for path in LOSSES.glob("*.md"):
            self.env.note_dependency(str(path))
        rows = [self.head, ("---",) * len(self.head)]
        for page, told in sorted(loss_pages().items(), key=lambda each: each[1]["loss"].lower()):
            link = f"{{class}}`~crowdkit.losses.{told['loss']}`"
            rows.append((link, told["compares"], f"{told['use-when']}: [page](losses/{page}.md)"))
        return self.parse_text_to_nodes("\n".join(f"| {' | '.join(row)} |" for row in rows))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("public-names", PublicNames)
    app.add_directive("losses", Losses)
    return {"parallel_read_safe": True}
