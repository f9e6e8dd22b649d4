"""How Sphinx builds these pages; no network is needed."""

import doctest
import sys
from pathlib import Path

import crowdkit

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "crowdkit"
author = "The crowdkit developers"
copyright = "2026, the crowdkit developers"
release = version = crowdkit.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx.ext.doctest",
    "rooms",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"crowdkit {version}"
html_copy_source = False

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # c1: 0.01**2, not 0.0001
autodoc_default_options = {"members": True, "exclude-members": "extra_repr, function"}
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_attr_annotations = False  # the signature has them

# The same flags as pytest's, see pyproject.toml.
doctest_default_flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
# A page's snippets share their names; the API pages import their room in a testsetup.
doctest_test_doctest_blocks = "default"

# Every cross-reference must resolve. Other packages' names cannot: that would take their inventories from
# the network.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(numpy|torch|torchmetrics|torchvision|pathlib|os|collections\.abc)\..*"),
    ("py:class", "Tensor|Image|NDArray|Path"),  # under TYPE_CHECKING
    ("py:class", r"contextlib\.AbstractContextManager"),
    # Not public: what a public function hands to another.
    ("py:class", r"crowdkit\.data\.annotations\.heads\.Head"),
    ("py:class", r"crowdkit\.(calibration\.traits\.Traits|calibration\.calibration\.HeldOut)"),
    ("py:class", r"(crowdkit\.data\.lazy_image\.)?(PixelArray|Source)"),
]


def _skip(app, what, name, obj, skip, options):  # noqa: ARG001 - Sphinx's signature
    # A NamedTuple's fields are told in the docstring's Attributes, not as "Alias for field number 0".
    return True if type(obj).__name__ == "_tuplegetter" else None


def _signature(app, what, name, obj, options, signature, returns):  # noqa: ARG001 - Sphinx's signature
    # "<factory>" is no Python, and Sphinx would cut the whole signature at its commas.
    return (signature.replace("<factory>", "..."), returns) if signature else None


def setup(app):
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-skip-member", _skip)
