"""Secrets of no value that are put where real ones would be, and looked for wherever they must not appear.

    CANARIES = [Canary("api_secret"), Canary("telegram_token")]
    ... use them as secrets ...
    assert_silent(CANARIES, tmp_path, logs=caplog.text, page=html)

Whatever stands in `files` is read as bytes: databases, journals and their side files too. A piece of 8 characters is a
hit, as it is, backwards, and as base64, hexadecimal, URLs or JSON have it, also where it stands within a longer text
that was encoded whole.
"""

import base64
import json
import random
import string
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus

WINDOW = 8


class Canary:
    """A secret that sings when it is seen; equal names give equal ones. Its alphabet changes in every encoding."""

    def __init__(self, name: str, n: int = 40) -> None:
        letters = random.Random(name)
        alphabet = string.ascii_letters + string.digits
        # some characters that URLs and JSON escape, far enough apart to leave plain pieces between them
        self.text = "".join("/+=&"[i // 10 % 4] if i % 10 == 9 else letters.choice(alphabet) for i in range(n))
        self.name = name

    def pieces(self) -> dict[str, set[bytes]]:
        """By the form in which they would stand there, all pieces that nobody may see."""
        raw = self.text.encode()
        in_base64 = {
            piece.translate(bytes.maketrans(b"+/", b"-_")) if is_url else piece
            for offset in range(3)
            for piece in windows(_core_of_base64(raw, offset), WINDOW * 4 // 3)
            for is_url in (False, True)
        }
        urls = {quote(self.text, safe=""), quote_plus(self.text), quote(self.text)}
        return {
            "plain": windows(raw, WINDOW),
            "backwards": windows(raw[::-1], WINDOW),
            "hexadecimal": windows(raw.hex().encode(), 2 * WINDOW) | windows(raw.hex().upper().encode(), 2 * WINDOW),
            "base64": in_base64,
            "URL": {piece for text in urls for piece in windows(text.encode(), WINDOW)},
            "JSON": windows(json.dumps(self.text)[1:-1].encode(), WINDOW),
            "UTF-16": windows(self.text.encode("utf-16-le"), 2 * WINDOW),
        }

    def forms_in(self, content: bytes) -> list[str]:
        """The forms in which some piece of it stands there."""
        return [form for form, pieces in self.pieces().items() if any(piece in content for piece in pieces)]


def windows(text: bytes, length: int) -> set[bytes]:
    return {text[start : start + length] for start in range(len(text) - length + 1)}


def _core_of_base64(raw: bytes, offset: int) -> bytes:
    """What is the secret's alone where it begins at that offset of a longer text: no neighbour changes it."""
    text = base64.b64encode(b"\0" * offset + raw)
    return text[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]


def found(canaries: Iterable[Canary], files: Path | None = None, **texts: str | bytes) -> list[str]:
    """Where which canary stands, and in which form: files below a folder, their names, and texts by name."""
    places = {name: text if isinstance(text, bytes) else text.encode() for name, text in texts.items()}
    for path in sorted(files.rglob("*")) if files is not None else ():
        content = path.read_bytes() if path.is_file() and path.name != ".env" else b""
        places[str(path)] = str(path.relative_to(files)).encode() + b"\n" + content
    return [
        f"{canary.name} in {place}: {form}"
        for canary in canaries
        for place, content in places.items()
        for form in canary.forms_in(content)
    ]


def assert_silent(canaries: Iterable[Canary], files: Path | None = None, **texts: str | bytes) -> None:
    """Nothing of any canary in any file below the folder (but `.env`, where secrets belong) or in any text."""
    if seen := found(canaries, files, **texts):
        raise AssertionError("; ".join(seen))
