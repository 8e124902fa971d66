"""A file of the archive, checked against its published checksum."""

import hashlib
import io
import zipfile
from dataclasses import dataclass

from tradsys.core.errors import SourceError
from tradsys.data.sources.http import Client

DIFFERS, UNCHECKED = "checksum differs", "no checksum"


@dataclass(frozen=True, slots=True)
class Zipped:
    """The one file in a zip, SHA-256 of the zip as received, and what is doubtful about it."""

    content: bytes
    sha256: str
    flags: tuple[str, ...] = ()


class Damaged(SourceError):
    """A zip that cannot be read, twice; `body` is what came."""

    def __init__(self, message: str, body: bytes) -> None:
        super().__init__(message)
        self.body = body


def fetch_zip(client: Client, url: str) -> Zipped | None:
    """The file, None where the archive has none.

    One that disagrees with its checksum is fetched once more. If it still does, it is Damaged unless the zip's own
    CRC holds: then the checksum is what is stale, and the file is taken with a flag.
    """
    body = client.get(url)
    if body is None:
        return None
    published = checksum(client, url)
    if published is not None and published != hashlib.sha256(body).hexdigest():
        body = client.get(url) or body
        published = checksum(client, url)
    sha256 = hashlib.sha256(body).hexdigest()
    flags = (UNCHECKED,) if published is None else (DIFFERS,) if published != sha256 else ()
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return Zipped(archive.read(archive.namelist()[0]), sha256, flags)  # read() checks the CRC
    except (zipfile.BadZipFile, IndexError, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise Damaged(f"{url} is no whole zip ({error})", body) from error


def checksum(client: Client, url: str) -> str | None:
    """The SHA-256 that the archive names for a file, None where it names none."""
    body = client.get(f"{url}.CHECKSUM")
    if body is None:
        return None
    word = body.split()[0].decode(errors="replace").lower() if body.split() else ""
    return word if len(word) == 64 and all(c in "0123456789abcdef" for c in word) else None
