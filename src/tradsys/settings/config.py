"""Every setting of a run: TOML, `.env`, environment and command line, strict, each section with its reasons."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, StringConstraints, model_validator

from tradsys.core.errors import ConfigError
from tradsys.core.identity import NOT_IDENTITY, digest
from tradsys.core.plugins import is_pinned, load_plugins, settle_plugins
from tradsys.core.settings import SettingsSection, build, changed, dotted, flat, gather, places
from tradsys.core.variables import DEPLOYED
from tradsys.data.settings import KEYS as DATA_KEYS
from tradsys.remote.settings import KEYS as REMOTE_KEYS
from tradsys.settings.sections import (
    AgentSettings,
    AlignmentSettings,
    BookSettings,
    CostSettings,
    FeatureSettings,
    FoldSettings,
    FundingSettings,
    LabelSettings,
    Listed,
    MachineSettings,
    MacroSettings,
    PortfolioSettings,
    PositionSettings,
    ProfileSettings,
    RankSettings,
    RegimeSettings,
    UniverseSettings,
    VerdictSettings,
)
from tradsys.settings.trade import KEYS as TRADE_KEYS
from tradsys.settings.trade import refuse_secrets
from tradsys.settings.words import IsRead, nearest

_ALIASES: Final = {DEPLOYED: "strategy_profile"}
_OF_OTHERS: Final = (*DATA_KEYS, *REMOTE_KEYS, *TRADE_KEYS)
"""Keys that stand in the same places and are read by `load` of DataSettings, RemoteSettings and TradeSettings."""

RENAMED: Final = {"flow": "positions"}
"""Sections by the names that they had in earlier versions, which stored runs and older files still use."""


class RunConfig(SettingsSection):
    """All settings of a run; frozen, and its digest identifies the configuration in the journal.

    `plugins` are modules or .py files that register own parts (docs/own-parts.md): they are imported, and stored by
    module with the digest of their source, so that a changed one is another configuration.
    """

    seed: Annotated[int, Field(ge=0), NOT_IDENTITY] = 0
    strategy_profile: Annotated[str, NOT_IDENTITY] = "SNIPER"
    plugins: Listed[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]] = ()
    labels: LabelSettings = LabelSettings()
    folds: FoldSettings = FoldSettings()
    costs: CostSettings = CostSettings()
    portfolio: PortfolioSettings = PortfolioSettings()
    agent: AgentSettings = AgentSettings()
    features: FeatureSettings = FeatureSettings()
    macro: MacroSettings = MacroSettings()
    book: Annotated[BookSettings, NOT_IDENTITY] = BookSettings()
    positions: Annotated[PositionSettings, NOT_IDENTITY] = PositionSettings()
    funding: Annotated[FundingSettings, NOT_IDENTITY] = FundingSettings()
    alignment: Annotated[AlignmentSettings, NOT_IDENTITY] = AlignmentSettings()
    universe: UniverseSettings = UniverseSettings()
    rank: RankSettings = RankSettings()
    regimes: RegimeSettings = RegimeSettings()
    profiles: ProfileSettings = ProfileSettings()
    verdict: VerdictSettings = VerdictSettings()
    machine: Annotated[MachineSettings, NOT_IDENTITY] = MachineSettings()

    @classmethod
    def load(
        cls,
        *,
        file: Path | None = None,
        overrides: Mapping[str, Any] | None = None,
        is_read: IsRead = lambda _: True,
    ) -> Self:
        """The settings in force: command line over environment over `.env` over the TOML file.

        `overrides` are dotted keys as given on the command line, e.g. {"labels.horizon": "6"}. An unknown key, wherever
        it stands, is a ConfigError that names the one that was meant, first of those that the command reads
        (`is_read`).
        """
        values = cls.given(file=file, overrides=overrides, is_read=is_read)
        if named := plugin_names(values.get("plugins")):
            values["plugins"] = load_plugins(named)
        return build(cls, {key: value for key, value in values.items() if key not in _OF_OTHERS})

    @classmethod
    def given(
        cls,
        *,
        file: Path | None = None,
        overrides: Mapping[str, Any] | None = None,
        is_read: IsRead = lambda _: True,
    ) -> dict[str, Any]:
        """What is set anywhere, by dotted key and as it was written, the sections of others too."""
        refuse_secrets(file=file, overrides=overrides)
        return gather(
            [*dotted(cls), *_OF_OTHERS],
            file=file,
            overrides=overrides,
            aliases=_ALIASES,
            renamed=RENAMED,
            nearest=partial(nearest, is_read=is_read),
        )

    @classmethod
    def stored(cls, values: Mapping[str, Any]) -> Self:
        """The settings that a run's manifest holds, which import no code: plugins that they name must be loaded."""
        loose = [one for one in plugin_names(values.get("plugins")) if not is_pinned(one)]
        if loose:
            raise ConfigError(
                f"stored settings name plugins with the digest of their source, found {', '.join(loose)}; the manifest "
                "was changed by hand: run again"
            )
        return cls(**values)

    @staticmethod
    def places(*, file: Path | None = None, overrides: Mapping[str, Any] | None = None) -> dict[str, str]:
        """The place that sets each key that anything sets, e.g. {"labels.horizon": "the command line"}."""
        return places(file=file, overrides=overrides, aliases=_ALIASES, renamed=RENAMED)

    @model_validator(mode="before")
    @classmethod
    def _load_plugins(cls, values: Any) -> Any:
        if isinstance(values, dict) and (named := plugin_names(values.get("plugins"))):
            return {**values, "plugins": settle_plugins(named)}
        return values

    @model_validator(mode="before")
    @classmethod
    def _accept_earlier_names(cls, values: Any) -> Any:
        for earlier, name in RENAMED.items():
            if isinstance(values, dict) and earlier in values:
                if name in values:
                    raise ValueError(f"section {earlier!r} is called {name!r} now; give one of the two")
                values = {name if key == earlier else key: value for key, value in values.items()}
        return values

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """The same with some dotted keys set, e.g. {"labels.horizon": 6}; text is read as on the command line."""
        return changed(self, settings)

    @property
    def settings(self) -> dict[str, Any]:
        return flat(self)

    @property
    def changed(self) -> dict[str, Any]:
        """The settings that differ from their defaults, but for the seed and what takes of the machine."""
        usual, own = type(self)().settings, self.settings
        return {
            key: value
            for key, value in own.items()
            if value != usual[key] and key != "seed" and not key.startswith("machine.")
        }

    @property
    def digest(self) -> str:
        """Hash of everything that influences a result, as `core.identity` reads it.

        The seed stands beside it in the journal. What books, positions and funding say is in the fingerprint of the
        bars, whatever their files are called.
        """
        return digest(self)


def plugin_names(plugins: Any) -> tuple[str, ...]:
    """Plugins as somebody wrote them; none where they are no list of words, which pydantic then refuses."""
    named = (plugins,) if isinstance(plugins, str) else plugins
    is_list = isinstance(named, list | tuple) and all(isinstance(one, str) and one.strip() for one in named)
    return tuple(one.strip() for one in named) if is_list else ()
