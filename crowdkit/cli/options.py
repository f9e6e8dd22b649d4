"""Shared parts of the subcommands: their parser, common options, JSON output."""

import argparse
import json
import math
from collections.abc import Callable
from typing import Any

Commands = Any  # argparse does not export the type of add_subparsers


def command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int], *, text: str, example: str
) -> argparse.ArgumentParser:
    """Add a subcommand whose help describes it and shows a working example.

    Args:
        commands: The subcommands.
        name: Its name.
        run: The function that it runs, which returns the exit code.
        text: Its description; the first line is shown in the list of commands.
        example: A command line to copy.

    Returns:
        Its parser.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text.splitlines()[0],
        description=text,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add ``--device``."""
    parser.add_argument(
        "--device", default=None, metavar="NAME", help="auto (a GPU if there is one), cpu, cuda, cuda:1"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def print_json(value: Any) -> None:
    """Print plain values as JSON; values that are not finite become null.

    Args:
        value: Tables, lists, texts and numbers.
    """
    print(json.dumps(_finite(value), indent=2, ensure_ascii=False, default=str))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
