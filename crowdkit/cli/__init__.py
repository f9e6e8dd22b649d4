"""The ``crowdkit`` command: one file a subcommand, heavy imports inside them."""

from crowdkit import _guard as _guard
from crowdkit.cli.main import main

__all__ = ["main"]
