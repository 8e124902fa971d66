"""Packages that a command needs: asked for before bars are loaded, and named in one sentence where one is absent."""

from collections.abc import Sequence
from dataclasses import dataclass

from tradsys.core.errors import MissingExtraError
from tradsys.core.extras import absent, extra_of, to_install

_NETWORK = ("torch", "onnx")
"""What the training of a network takes."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The modules that a command uses beyond the base, and which option asks for a network, with what does without."""

    command: str
    modules: tuple[str, ...] = ()
    option: str = "--agent"
    without_network: str = "logistic"

    def check(self, chosen: str, *, trains_network: bool) -> None:
        """A MissingExtraError where a module is absent, or one of a network's where `chosen` trains one."""
        others = absent(self.modules)
        missing = [*others, *(absent(_NETWORK) if trains_network else [])]
        if not missing:
            return
        reason = instead = ""
        if missing != others and self.option:
            reason = f" for {self.option} {chosen}"
            # where anything else is missing too, doing without the network does not help
            instead = "" if others else f", or take {self.option} {self.without_network}"
        raise MissingExtraError(f"{self.command} needs {_listed(missing)}{reason}; {to_install(missing)}{instead}")


def import_failed(command: str, module: str | None) -> str | None:
    """What to say of a module that could not be imported; None where no extra brings it."""
    if module is None or extra_of(module) is None:
        return None
    return f"{command} needs {module.partition('.')[0]}; {to_install([module])}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
