"""docs/reference/settings.md: every key with what it takes and its default, section by section."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from words import paragraphs, schema_words, table

from tradsys.core.settings import SettingsSection
from tradsys.data.settings import DataSettings
from tradsys.remote.settings import RemoteSettings
from tradsys.settings.config import RunConfig
from tradsys.settings.trade import TradeSettings

OTHERS: Mapping[str, type[SettingsSection]] = {"data": DataSettings, "remote": RemoteSettings, "trade": TradeSettings}
"""Sections that are read by themselves, beside those of a run."""


def page() -> str:
    """The whole page."""
    whole = RunConfig.model_json_schema(mode="serialization")
    annotated = {name: field.annotation for name, field in RunConfig.model_fields.items()}
    sections = {name: cls for name, cls in annotated.items() if _is_section(cls)}
    lines = [
        "# Every setting",
        "",
        "Written by `python scripts/reference`; a test fails where it is out of date. [Settings](../settings.md) "
        "says where they come from and how lists are written; a key of a section is given as "
        "`--set section.key=value`, in a file below `[section]`, or as `TRADSYS_SECTION__KEY`.",
        "",
        "## Without a section",
        "",
        *_rows("", whole, set(sections)),
        "",
    ]
    for name, section in {**sections, **OTHERS}.items():
        assert section is not None
        lines += [f"## {name}", "", *paragraphs(section.__doc__)]
        lines += [*_rows(f"{name}.", section.model_json_schema(mode="serialization"), set()), ""]
    return "\n".join(lines).rstrip() + "\n"


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, SettingsSection)


def _rows(prefix: str, schema: Mapping[str, Any], without: set[str]) -> Iterator[str]:
    known = schema.get("$defs", {})
    rows = [
        (f"`{prefix}{key}`", schema_words(one, known), _default(one))
        for key, one in schema["properties"].items()
        if key not in without
    ]
    yield from table(("key", "takes", "default"), rows)


def _default(schema: Mapping[str, Any]) -> str:
    value = schema.get("default")
    if value is None or value in ("", [], {}):
        return "unset"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"
