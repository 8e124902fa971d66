"""Files unpacked by their first bytes: gzip, bzip2, xz, Zstandard, and zip with one table in it; UTF-16 as UTF-8."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple
from zipfile import BadZipFile, ZipFile

import polars as pl

from tradsys.core.errors import DataError, NotEnoughBars

N_HEAD = 64_000
"""Bytes by which a file is known."""
_ZSTD, _ZIP = b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_NO_TEXT = "\x1f"
"""A separator that no text holds: each line is one cell."""


class Unpacked(NamedTuple):
    """The first bytes of what a file holds, and all of it where it was packed; None where the file itself is it."""

    head: bytes
    data: bytes | None


def unpacked(path: Path) -> Unpacked:
    """What the file holds; a DataError where that is nothing, or packed in a way that is not known."""
    with path.open("rb") as file:
        head = file.read(N_HEAD)
    if not head:
        raise NotEnoughBars(f"{path} is empty, wanted bars; fetch it again")
    content = Unpacked(head, None)
    for magic, unpack in _UNPACK.items():
        if head.startswith(magic):
            try:
                data = unpack(path)
            except (
                OSError,
                EOFError,
                zlib.error,
                lzma.LZMAError,
                BadZipFile,
                RuntimeError,
                pl.exceptions.PolarsError,
            ) as error:
                raise DataError(f"{path} is packed and cannot be unpacked: {error}; fetch it again") from error
            if not data:
                raise NotEnoughBars(f"{path} is empty once it is unpacked, wanted bars; fetch it again")
            content = Unpacked(data[:N_HEAD], data)
    if content.head.startswith(_UTF16):
        data = path.read_bytes() if content.data is None else content.data
        data = data.decode("utf-16").encode()
        content = Unpacked(data[:N_HEAD], data)
    if b"\x00" in content.head and not content.head.startswith((b"PAR1", b"ARROW1")):
        raise DataError(
            f"{path} is neither Parquet, Feather, CSV nor JSON (it begins with {content.head[:4]!r}); unpack or "
            "convert it"
        )
    return content


def _zst(path: Path) -> bytes:
    """Polars alone knows it: lines of text, joined again."""
    lines = pl.read_csv(path, separator=_NO_TEXT, quote_char=None, has_header=False, infer_schema=False)
    return "\n".join(lines.to_series().fill_null("").to_list()).encode()


def _zip(path: Path) -> bytes:
    with ZipFile(path) as archive:
        names = [one for one in archive.namelist() if not one.endswith("/") and not one.startswith("__MACOSX")]
        if "[Content_Types].xml" in names:
            raise DataError(f"{path} is a workbook of Excel, wanted a table; save it as CSV")
        if len(names) != 1:
            shown = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
            raise DataError(f"{path} holds {len(names)} files ({shown}), wanted one; unpack it and give the folder")
        if archive.getinfo(names[0]).flag_bits & 1:
            raise DataError(f"{path} is locked by a password; unpack it")
        return archive.read(names[0])


def _by(unpack: Callable[[bytes], bytes]) -> Callable[[Path], bytes]:
    return lambda path: unpack(path.read_bytes())


_UNPACK: Final[dict[bytes, Callable[[Path], bytes]]] = {
    b"\x1f\x8b": _by(gzip.decompress),
    b"BZh": _by(bz2.decompress),
    b"\xfd7zXZ": _by(lzma.decompress),
    _ZSTD: _zst,
    _ZIP: _zip,
}
