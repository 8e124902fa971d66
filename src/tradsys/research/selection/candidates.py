"""Candidates of nested selection: the profiles, and each of them with other thresholds and regime maps."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tradsys.profiles.profile import Profile
from tradsys.profiles.rules import QUIET, AnyRegime, ConfidenceAbove, NoAudit, NotQuiet, Outside, RegimeRule

RANKS = (0.75, 0.85, 0.9, 0.95)
"""Thresholds on the rank of the confidence: both of the profiles' own, and two between."""


def candidates(profiles: Sequence[Profile], n_regimes: int) -> tuple[Profile, ...]:
    """Different procedures under the name of the profile each comes from, the profiles themselves first.

    A supervised profile is a procedure of its plain one, and no other here: what other markets take back is not chosen.
    """
    found: dict[object, Profile] = {}
    variants = (one for profile in profiles for one in _variants(profile, n_regimes))
    for one in (*profiles, *variants):
        found.setdefault((one.entry, one.regimes, one.audit), one)
    return tuple(found.values())


def regime_maps(n_regimes: int) -> tuple[RegimeRule, ...]:
    """Entries everywhere, outside the quiet regime, outside the wildest, and outside both where one is left over."""
    wildest = n_regimes - 1
    both = (Outside((QUIET, wildest)),) if n_regimes > 2 else ()
    return AnyRegime(), NotQuiet(), Outside((wildest,)), *both


def blocked(profile: Profile) -> tuple[int, ...]:
    """The regimes in which the profile does not enter, counted from the quiet one."""
    if isinstance(profile.regimes, Outside):
        return profile.regimes.blocked
    return (QUIET,) if isinstance(profile.regimes, NotQuiet) else ()


def described(profile: Profile, n_regimes: int) -> str:
    """Its entry, regimes and audit in a phrase."""
    entry = profile.entry
    enters = (
        f"{entry.confidence} above {entry.threshold:g}" if isinstance(entry, ConfidenceAbove) else "return above cost"
    )
    names = {QUIET: "quiet", n_regimes - 1: "panic" if n_regimes == 3 else "wildest"}
    sat_out = " and ".join(names.get(k, f"regime {k}") for k in blocked(profile))
    audited = "" if isinstance(profile.audit, NoAudit) else ", audited"
    return f"{enters}, {f'not in {sat_out}' if sat_out else 'any regime'}{audited}"


def _variants(profile: Profile, n_regimes: int) -> Iterator[Profile]:
    entries = [profile.entry]
    if isinstance(profile.entry, ConfidenceAbove):
        entries += [ConfidenceAbove(rank) for rank in RANKS]
    for entry in entries:
        for regimes in regime_maps(n_regimes):
            yield replace(profile, entry=entry, regimes=regimes)
