"""One GET by URL with the standard library: the reply's bytes, or a sentence about what came instead."""

from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from tradsys.core.errors import ConfigError, DataError

TIMEOUT_S = 30.0
MOST_BYTES = 64 * 2**20
_AGENT = "Mozilla/5.0 (compatible; tradsys)"


def get(base: str, path: str, query: dict[str, str]) -> bytes:
    """What `base` + `path` answers; a DataError where it does not, or answers more than 64 MiB."""
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigError(f"a base URL begins with http:// or https:// and names a host, was {base!r}")
    url = f"{base.rstrip('/')}{path}?{urlencode(query)}"
    try:
        with urlopen(Request(url, headers={"User-Agent": _AGENT}), timeout=TIMEOUT_S) as reply:
            body: bytes = reply.read(MOST_BYTES + 1)
            wanted = reply.headers.get("Content-Length")
    except HTTPError as error:
        after = error.headers.get("Retry-After")
        later = f"; it asks to wait {after} s" if after else ""
        raise DataError(f"{parts.netloc} answered {error.code} {error.reason} to {path}{later}; try again") from error
    except (URLError, TimeoutError, OSError) as error:
        raise DataError(
            f"{parts.netloc} cannot be reached for {path}: {error}; check the network or use a file"
        ) from error
    if len(body) > MOST_BYTES or (wanted is not None and int(wanted) != len(body)):
        raise DataError(f"{parts.netloc} sent {len(body):,} bytes of {wanted or 'too many'} for {path}; try again")
    return body
