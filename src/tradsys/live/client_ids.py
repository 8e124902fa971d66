"""Client order ids: of account, symbol, bar, leg and attempt, so that a crash can never make up another entry.

Ids are 30 characters of `[a-z0-9-]`, and 36 where they say when the bot began: venues take up to 36, and some put a
broker's prefix before those of up to 25. An entry is on disk before it leaves. What protects and ends a trade is sent
by a disk that is full, too: a crash may forget it, and the time of the start keeps the next bot from its ids.
"""

import re
from base64 import b32encode
from functools import cache
from hashlib import blake2b
from typing import Final, Literal

type Leg = Literal["entry", "stop", "target", "exit"]
LETTERS: Final[dict[Leg, str]] = {"entry": "e", "stop": "s", "target": "t", "exit": "x"}
_OURS: Final = re.compile(r"t[a-z2-7]{5}-[a-z2-7]{8}-[0-9a-z]{9}-([estx])[0-9a-z]{3}(?:[0-9a-z]{6})?")
N_DIGITS: Final = 3
"""Of the attempt."""
START_DIGITS: Final = 6
"""Of the start, after the attempt: milliseconds that begin again after 25 days."""
DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def client_id(
    account: str, symbol: str, close_ms: int, leg: Leg, attempt: int, *, started_ms: int | None = None
) -> str:
    """The id of one try of one leg of the trade that the bar closing at `close_ms` decided.

    `started_ms` is when the bot began that sends it; without it the id is the same whoever sends it.

    >>> client_id("main", "BTCUSDT", 1_700_000_000_000, "entry", 0)
    'tolqce-322na6cu-0loyw3v28-e000'
    >>> client_id("main", "BTCUSDT", 1_700_000_000_000, "stop", 0, started_ms=1_700_000_000_123)
    'tolqce-322na6cu-0loyw3v28-s000yw3v5n'
    """
    start = "" if started_ms is None else _base36(started_ms % 36**START_DIGITS, START_DIGITS)
    return stem(account, symbol, close_ms, leg) + _base36(attempt, N_DIGITS) + start


def stem(account: str, symbol: str, close_ms: int, leg: Leg) -> str:
    """What the ids of all tries of one leg begin with; the attempt comes next."""
    return f"{prefix(account)}{_tag(symbol, 8)}-{_base36(close_ms, 9)}-{LETTERS[leg]}"


def leg_of(client_id: str) -> Leg | None:
    """The leg that an id of ours says, None of anybody else's: so much is known without the journal.

    >>> leg_of("tolqce-322na6cu-0loyw3v28-s000"), leg_of("autoclose-1700000000")
    ('stop', None)
    """
    found = _OURS.fullmatch(client_id)
    return None if found is None else next(leg for leg, letter in LETTERS.items() if letter == found[1])


@cache
def prefix(account: str) -> str:
    """What all ids of an account begin with: by it the bot knows its own orders, with or without its journal."""
    return f"t{_tag(account, 5)}-"


@cache
def _tag(text: str, width: int) -> str:
    return b32encode(blake2b(text.encode(), digest_size=16).digest()).decode().lower()[:width]


def _base36(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    if number:
        raise ValueError(
            f"wanted a number of at most {width} digits to base 36, and {number} times as much was left over"
        )
    return digits
