"""Flags of the journal that say what somebody wants: no entry, a symbol left, everything left."""

from typing import Final

STOP_ENTRY: Final = "stopentry"
"""Flag: no entry, said by a person."""

EXIT: Final = "exit:"
"""Flags of symbols that are to be left begin so: the text is why."""

FLATTEN: Final = "flatten"
"""Flag: everything is being left."""
