"""What was noticed about somebody's data and taken nevertheless, on the standard error stream, each sentence once."""

import sys
from functools import lru_cache, partial


@lru_cache(maxsize=1024)
def tell(sentence: str) -> None:
    """Write the sentence where it was not written before: whoever decides every hour need not read it every hour."""
    write = partial(print, file=sys.stderr)
    write(sentence)
