"""Parts of one study put together: all there, of one code and one question, and where two hold the same they agree."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tradsys.core.errors import ConfigError, DataError
from tradsys.research.parts.stated import StatedPart

_NAMED = 3
"""So many missing results are named."""


@dataclass(frozen=True, slots=True)
class PartResult:
    """One result: where it lies, the code that made it, what must be the same wherever it is found, and itself.

    What took time is no part of `content`. Of two that agree the one of the lesser `order` is kept, so that it does not
    matter in which order the folders are named.
    """

    where: str
    code: str
    content: str
    order: bytes
    value: Any


type PartResults = Mapping[str, PartResult]
"""By name; the names of one study's results are the same on all machines."""


def merged(
    stated: Sequence[StatedPart],
    read: Callable[[StatedPart], PartResults],
    *,
    before: PartResults | None = None,
    is_any_code: bool = False,
) -> dict[str, PartResult]:
    """All results of one study's parts by name, in order; `before` are those that the whole holds already.

    Parts of another question are a ConfigError. Parts that are missing or cut short, results that differ and, but for
    `is_any_code`, those of several versions of the code are a DataError that names them and what to do.
    """
    _check_one_question(stated)
    found = [(one, read(one)) for one in stated]
    _check_complete(found)
    if not is_any_code:
        _check_one_code([before or {}, *(results for _, results in found)])
    whole = dict(before or {})
    for _, results in found:
        for key, result in results.items():
            whole[key] = _agreed(key, whole.get(key), result)
    return dict(sorted(whole.items()))


def _check_one_question(stated: Sequence[StatedPart]) -> None:
    first = stated[0]
    for other in stated:
        if (other.asked, other.part.n) != (first.asked, first.part.n):
            raise ConfigError(
                f"the parts of {first.study} are not of one study, in their settings or data: "
                f"{first.path} is by `{first.command_of(first.part)}`, {other.path} by "
                f"`{other.command_of(other.part)}`; name folders whose parts belong together, or delete what does not"
            )


def _check_complete(found: Sequence[tuple[StatedPart, PartResults]]) -> None:
    first = found[0][0]
    by_part = {one.part: one for one, _ in found}
    had = {part: {key for one, results in found if one.part == part for key in results} for part in by_part}
    told = []
    for part in first.part.others:
        if part not in by_part:
            told.append(f"part {part} is missing; make it with `{first.command_of(part)}`")
            continue
        one = by_part[part]
        lacking = [key for key in one.keys if key not in had[part]]
        if lacking:
            named = ", ".join(lacking[:_NAMED]) + (" and more" if len(lacking) > _NAMED else "")
            told.append(
                f"part {part} lacks {len(lacking)} of {len(one.keys)} results ({named}); go on with "
                f"`{one.command_of(part)}`"
            )
    if told:
        raise DataError(f"{first.study} is not whole: {'; '.join(told)}; then merge again")


def _agreed(key: str, known: PartResult | None, other: PartResult) -> PartResult:
    if known is None:
        return other
    if known.content != other.content:
        raise DataError(
            f"{key} differs between {known.where} and {other.where}, which the same code, settings and kind of machine "
            "never do; delete the wrong one, make its part again, and merge again"
        )
    return min(known, other, key=lambda one: (one.order, one.where))


def _check_one_code(found: Sequence[PartResults]) -> None:
    by_code: dict[str, str] = {}
    for result in (one for results in found for one in results.values()):
        by_code.setdefault(result.code, result.where)
    if len(by_code) > 1:
        told = ", ".join(f"{code} in {where}" for code, where in sorted(by_code.items()))
        raise DataError(
            f"the results are by {len(by_code)} versions of the code: {told}; make the older ones again, or take them "
            "together with --any-code"
        )
