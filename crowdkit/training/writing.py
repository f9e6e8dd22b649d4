"""Files that are whole or not there, and errors that name them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file beside its place and put it there at the end; a crash leaves the old one whole.

    Args:
        path: The file.

    Yields:
        Where to write. It is gone afterwards, whatever happens.

    Raises:
        OSError: If it cannot be written, with the file's name.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with naming(path):
            yield temporary
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let a failure to write say which file it was: that of a full disk names none.

    Args:
        path: The file.

    Raises:
        OSError: With the file's name.
    """
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    except RuntimeError as error:  # torch's and safetensors' words for a write that failed
        if isinstance(error.__context__, OSError):
            raise OSError(
                error.__context__.errno, os.strerror(error.__context__.errno or 0), str(path)
            ) from error
        raise
