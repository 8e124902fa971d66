"""Aims on their way into the intent journal: which choices are new, and what wishes and a full disk leave of them."""

from collections.abc import Collection, Mapping, Sequence

from tradsys.core.errors import DiskError
from tradsys.live.execution.aims import AIM, Aim
from tradsys.live.execution.opening import trade_key
from tradsys.live.execution.steps import StepHook
from tradsys.live.execution.wishes import EXIT, FLATTEN
from tradsys.live.intents import IntentJournal
from tradsys.live.telling import Tell


class AimBook:
    """The aims of an account, as its journal keeps them."""

    def __init__(self, journal: IntentJournal, tell: Tell, step: StepHook) -> None:
        self._journal, self._tell, self._step = journal, tell, step

    def admitted(self, aims: Sequence[Aim]) -> list[Aim]:
        """Those of choices that are not known yet; nothing is aimed at where the bar has had its trade."""
        new = []
        for aim in aims:
            known = self._journal.aim(aim.symbol)
            if known is None or known.choice_ms < aim.choice_ms:
                is_traded = self._journal.trade(trade_key(aim.symbol, aim.close_ms)) is not None
                new.append(aim.dropped("this bar was traded already") if is_traded else aim)
        return new

    def commit(self, aims: Sequence[Aim], held: Mapping[str, float] | None) -> list[Aim]:
        """One commit for all, and what was committed: nothing of a symbol that somebody wants left by now.

        On a disk that takes no new risk positions shrink alone, and where nobody knows what is held they stay.
        """
        aims = [self._unless_left(aim) for aim in aims]
        self._step("entry.commit:before")
        try:
            self._journal.keep_room()
            self._journal.set_aims(aims, is_new=True)
        except DiskError as error:
            for aim in aims:
                self._tell("denied", {"symbol": aim.symbol, "close_ms": aim.close_ms, "why": str(error)})
            aims = [] if held is None else [aim.at_most(held.get(aim.symbol, 0.0), str(error)) for aim in aims]
            self._journal.set_aims(aims, is_new=False)
        self._step("entry.commit:after")
        for aim in aims:
            self._tell("aim", aim.told())
        return aims

    def dropped(self, why: str, symbols: Collection[str] | None = None) -> dict[str, str]:
        """Flags of what is aimed at, of these symbols or of all, without anything to hold."""
        aims = [aim for name, aim in self._journal.aims().items() if symbols is None or name in symbols]
        return {AIM + aim.symbol: aim.dropped(why).text for aim in aims if aim.side}

    def _unless_left(self, aim: Aim) -> Aim:
        why = self._journal.flag(FLATTEN) or self._journal.flag(EXIT + aim.symbol)
        return aim if why is None else aim.dropped(why)
