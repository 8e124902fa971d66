"""Every error that tradsys raises on purpose.

    TradsysError            1   anything below, and the command line's exit code for it
    ├── ConfigError         2   a setting or an argument that cannot mean anything
    ├── DataError           3   bars that are refused, with the rows at fault
    │   └── NotEnoughBars   3   history too short for what was asked
    ├── FitError            1   a model that could not be fitted
    ├── BundleError         1   a bundle that is not the one that was written
    ├── MachineError        1   work that this machine cannot hold
    ├── WorkerError         1   a process that did part of the work and was killed
    ├── DiskError           1   a disk that is too full, or failed while something was written
    ├── MissingExtraError   1   a package that this installation was made without
    ├── SourceError         1   a source that did not answer, or answered what cannot be used
    ├── LookaheadError      1   a value that had seen the future
    ├── RemoteError         1   another machine that did not do what was asked, or sent what was not written
    │   └── UnreachableError 1  one that ssh cannot reach, for now
    ├── LedgerError         1   a ledger whose chain is broken, or that cannot be written
    ├── NotProvenError      4   a bundle that is not proven, or no longer is, where nobody said that this is known
    ├── HaltError           5   a risk limit that stops the bot
    └── NotRunningError     6   a question or an order to a bot that does not run

A message says what was wanted, what was found, and what to do next.
"""

from typing import ClassVar


class TradsysError(Exception):
    """Root of the tree; `exit_code` is what the command line returns."""

    exit_code: ClassVar[int] = 1


class ConfigError(TradsysError):
    """A setting or an argument that cannot mean anything."""

    exit_code: ClassVar[int] = 2


class DataError(TradsysError):
    """Bars that are refused; the message names every defect and its rows."""

    exit_code: ClassVar[int] = 3


class NotEnoughBars(DataError):
    """History too short for what was asked."""


class FitError(TradsysError):
    """A model that could not be fitted."""


class BundleError(TradsysError):
    """A bundle that is not, byte for byte, the one that was written."""


class MachineError(TradsysError):
    """Work that needs more memory than this machine has to give; nothing was started."""


class WorkerError(TradsysError):
    """A process that did part of the work was killed, by the system or by a person; the work can be begun again."""


class DiskError(TradsysError):
    """A disk that has too little room for what is to be written, or that failed while it was."""


class MissingExtraError(TradsysError):
    """A package that this installation was made without; the message names the extra that brings it."""


class SourceError(TradsysError):
    """A source of data that did not answer after all attempts, or refused: what was fetched before is kept."""


class RemoteError(TradsysError):
    """Another machine that did not do what was asked of it, or sent something else than was written there."""


class UnreachableError(RemoteError):
    """A connection that failed or was lost; trying again may cure it."""


class LookaheadError(TradsysError):
    """A value that had seen the future: whatever was measured with it means nothing."""


class LedgerError(TradsysError):
    """A ledger whose chain is broken, or that cannot be written."""


class NotProvenError(TradsysError):
    """What is to be traded is not proven to make money, and nobody has said that this is known."""

    exit_code: ClassVar[int] = 4


class HaltError(TradsysError):
    """A risk limit was reached; trading stops until a person looks."""

    exit_code: ClassVar[int] = 5


class NotRunningError(TradsysError):
    """Nobody trades the account at the moment, and what was asked for takes somebody who does."""

    exit_code: ClassVar[int] = 6
