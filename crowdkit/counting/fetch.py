"""Images from the web: at an address that the user has named, and nothing else."""

import time
from http.client import HTTPException
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from crowdkit.errors import DataError

# Bytes that an image may have, seconds without a word from the server, and seconds for the whole image.
MOST_BYTES = 64 * 2**20
SILENCE = 20.0
PATIENCE = 60.0

_SCHEMES = ("http", "https")


class _WebOnly(request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if urlsplit(newurl).scheme not in _SCHEMES:
            fp.close()
            raise URLError(f"a redirect to {newurl[:80]}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(
    address: str, *, most: int = MOST_BYTES, silence: float = SILENCE, patience: float = PATIENCE
) -> bytes:
    """Fetch what lies at an address of the web.

    Redirects are followed to ``http`` and ``https`` alone, never to a file.

    Args:
        address: ``http://`` or ``https://``.
        most: Bytes that it may have.
        silence: Seconds to wait for the server's next word.
        patience: Seconds that the whole may take.

    Returns:
        The bytes.

    Raises:
        DataError: If there is nothing, too much, or it takes too long.
    """
    if urlsplit(address).scheme.lower() not in _SCHEMES:
        raise DataError(
            f"{address}: expected http:// or https://, got another kind of address; give a file's path"
        )
    begun = time.monotonic()
    named = request.Request(address, headers={"User-Agent": "crowdkit"})  # noqa: S310 - looked at above
    parts: list[bytes] = []
    size = 0
    try:
        with _opener().open(named, timeout=silence) as answer:
            while part := answer.read1(2**16):
                parts.append(part)
                size += len(part)
                if size > most:
                    raise DataError(
                        f"{address}: expected an image of at most {most / 2**20:g} MiB, got more; save it as a file"
                    )
                if time.monotonic() - begun > patience:
                    raise DataError(
                        f"{address}: expected the image within {patience:g} s, got {size} bytes; save it as a file"
                    )
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, DataError):
            raise
        if isinstance(error, HTTPError):
            error.close()
        reason = error.reason if type(error) is URLError else error
        reason = getattr(reason, "strerror", None) or reason
        raise DataError(f"{address}: expected an image, got {reason}; check the address") from error
    return b"".join(parts)


def _opener() -> request.OpenerDirector:
    """Open the web alone: Python's own opener also reads files, FTP and ``data:``."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
        _WebOnly(),
    ):
        opener.add_handler(handler)
    return opener
