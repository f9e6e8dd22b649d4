"""What several subcommands share: their parser, their options, their JSON."""

import argparse
import json
import math
from collections.abc import Callable
from typing import Any

Commands = Any  # argparse keeps the type of add_subparsers to itself


def command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int], *, text: str, example: str
) -> argparse.ArgumentParser:
    """Add a subcommand whose help says what it does and shows one line that works.

    Args:
        commands: The subcommands.
        name: Its name.
        run: What it runs; gives the exit code.
        text: What it does; the first line is shown in the list of commands.
        example: One line to copy.

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
    """Print plain values as JSON; what is not finite becomes null.

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
