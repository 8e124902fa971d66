"""How another machine is reached and what it is given: section `remote` of the settings."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from tradsys.core.settings import SettingsSection, build, dotted, gather
from tradsys.remote.on_host import SECRET

SECTION = "remote."

SECRETS = re.compile(r"\.env(\..*)?")
"""Names of files that never leave this machine."""

type Plain = Annotated[str, StringConstraints(pattern=r"^[\w~/.+@-]+$")]
"""A path on the other machine, without blanks or anything that a shell would read."""


def _no_secret(name: str) -> str:
    if SECRET.search(name.upper()):
        raise ValueError("a variable whose name looks like that of a secret never leaves this machine")
    return name


def _words(command: str) -> str:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ValueError(f"a command's quotes must end ({error})") from None
    if not words:
        raise ValueError("a command has a word at least, such as ssh")
    return command


def _listed(value: object) -> object:
    """One word is a list of one."""
    return (value,) if isinstance(value, str) else value


type Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*$"), AfterValidator(_no_secret)]


class RemoteSettings(SettingsSection):
    """Where on the host everything goes, with which Python, and what a job there gets beside its command.

    `python` runs what this project does on the host (3.9 will do), and makes the environment where it is a 3.12;
    `environment` is the Python of a ready one, which then is taken as it is: nothing is installed. Else the locks are,
    once for each state of them, with `torch` as locked or in its build for processors. Of `variables`, names, a job
    gets the value of the host's first process or session, else this one's: certificates and mirrors, which a session
    without a terminal lacks. `take` are files and folders below this folder that a command needs and does not name.
    `ssh` is the command with options for all connections. A connection that is lost is tried again for `reconnect_s`.
    """

    folder: Annotated[Plain, StringConstraints(max_length=200)] = "tradsys-remote"
    python: Plain = "python3"
    environment: Annotated[str, StringConstraints(pattern=r"^([~/][\w~/.+@-]*)?$")] = ""
    torch: Literal["lock", "cpu"] = "lock"
    variables: Annotated[tuple[Variable, ...], BeforeValidator(_listed)] = ()
    take: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    ssh: Annotated[str, AfterValidator(_words)] = "ssh"
    connect_s: float = Field(10.0, gt=0, le=300)
    reconnect_s: float = Field(600.0, ge=0, le=86_400)

    @classmethod
    def load(cls, *, file: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Self:
        """The settings in force, such as `TRADSYS_REMOTE__FOLDER`; keys of other sections are left to their owners."""
        values = gather(KEYS, file=file, overrides=overrides, within=SECTION)
        return build(cls, {key.removeprefix(SECTION): value for key, value in values.items()}, SECTION)


KEYS = tuple(dotted(RemoteSettings, SECTION))
