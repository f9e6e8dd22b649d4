"""The command line: parse the arguments, call a subcommand, and print errors as one line."""

import argparse
import io
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import crowdkit
from crowdkit.cli import check, convert, count, demo, evaluate, export, train
from crowdkit.cli.allocator import keep_freed_memory
from crowdkit.errors import CrowdKitError, DataWarning, PeerError

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
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files need not be UTF-8
        sys.stdout.reconfigure(errors="backslashreplace")
    keep_freed_memory()
    try:
        with _warnings_in_words():
            code: int = args.run(args)
    except PeerError:
        return 2
    except CrowdKitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename or 'file'}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the last words are not interrupted
        if os.environ.get("RANK", "0") == "0":  # torchrun interrupts all processes
            print(f"\n{interrupt or 'interrupted'}", file=sys.stderr)
        return _INTERRUPTED
    return code


@contextmanager
def _warnings_in_words() -> Iterator[None]:
    """Print what is doubtful in the data as a line, once, by one of the processes."""
    with warnings.catch_warnings():
        usual, said = warnings.showwarning, set[str]()

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, DataWarning):
                usual(message, category, *where, **more)
            elif str(message) not in said and os.environ.get("RANK", "0") == "0":
                said.add(str(message))
                print(f"warning: {message}", file=sys.stderr)

        warnings.showwarning = show
        warnings.simplefilter("always", DataWarning)
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="crowdkit",
        description="Count people in photographs, and train networks that do.",
        epilog="Begin with: crowdkit demo",
    )
    parser.add_argument("--version", action="version", version=f"crowdkit {crowdkit.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (demo, train, evaluate, count, check, convert, export):
        command.add(commands)
    return parser
