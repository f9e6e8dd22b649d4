"""The command line: parse the arguments, call a subcommand, and print errors as one line."""

import argparse
import sys
from collections.abc import Sequence

import crowdkit
from crowdkit.cli import check, count, demo, evaluate, export, train
from crowdkit.cli.allocator import keep_freed_memory
from crowdkit.errors import CrowdKitError

_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ``crowdkit`` command.

    Args:
        argv: The arguments; ``None`` for those of the process.

    Returns:
        The exit code: 0 for success, 1 if something was found wrong or skipped, 2 for a wrong argument or
        configuration, 130 if interrupted.
    """
    args = _parser().parse_args(argv)
    keep_freed_memory()
    try:
        code: int = args.run(args)
    except CrowdKitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename or 'file'}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print(f"\n{interrupt or 'interrupted'}", file=sys.stderr)
        return _INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crowdkit",
        description="Count people in photographs, and train networks that do.",
        epilog="Begin with: crowdkit demo",
    )
    parser.add_argument("--version", action="version", version=f"crowdkit {crowdkit.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (demo, train, evaluate, count, check, export):
        command.add(commands)
    return parser
