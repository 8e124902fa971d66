"""Which entries are trials, and when two of them are one."""

from tradsys.journal.chain import LedgerEntry
from tradsys.journal.entries import COUNTED, LOCKBOX, TUNING
from tradsys.journal.judged import JudgedData


def is_trial(entry: LedgerEntry, wanted: JudgedData) -> bool:
    """Whether it counts for what is judged, which shares data with it.

    An opening counts where it says its span; before, it was no trial. A study's trial counts where both say it: for a
    run that trains on the part that the study scored in, it is no look at all.
    """
    if entry.kind in COUNTED:
        return True
    is_dated = JudgedData.of_entry(entry.content).is_dated
    return is_dated and (entry.kind == LOCKBOX or (entry.kind == TUNING and wanted.is_dated))


def may_count(entry: LedgerEntry) -> bool:
    """Whether it is a trial, or an opening that counts among openings."""
    return entry.kind in COUNTED or entry.kind in (LOCKBOX, TUNING)


def trial_name(entry: LedgerEntry) -> str:
    """Digest of its series; of its content where it has none."""
    return str(entry.content.get("series") or entry.content_hash)
