"""docs/reference/run-folder.md and ledger.md: columns of each table, fields of each JSON file and of each entry."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args

from pydantic import BaseModel
from words import attribute_docs, paragraphs, table, type_words

from tradsys.bundle.deployment import Deployment
from tradsys.journal import entries
from tradsys.journal.entries import COUNTED, Content
from tradsys.runs.manifest import RunManifest
from tradsys.runs.metrics import RunMetrics
from tradsys.runs.tables import TABLES, TableSchema
from tradsys.runs.verdict import RunVerdict

JSON: Mapping[str, type[BaseModel]] = {
    "manifest.json": RunManifest,
    "verdict.json": RunVerdict,
    "metrics.json": RunMetrics,
}


def run_folder() -> str:
    """What is in a run's folder, and in the bundle that `tradsys deploy` writes."""
    lines = [
        "# Files of a run",
        "",
        "Written by `python scripts/reference`; a test fails where it is out of date. "
        "[Commands](../commands.md#what-a-run-writes) says what each file is for. A run of kind `ranks` forecasts "
        "nothing: it has no `forecasts.parquet`, no `labels.parquet` and no `bundle/`.",
        "",
        "## Tables",
        "",
    ]
    for one in TABLES:
        lines += [f"### {one.file}", "", *_notes(one)]
        lines += [*table(("column", "type"), [(f"`{name}`", _dtype(kind)) for name, kind in one.columns.items()]), ""]
    lines += ["## JSON files", ""]
    for file, model in JSON.items():
        lines += [f"### {file}", "", *_model(model)]
    lines += ["### Parts of these", ""]
    for model in sorted(_inner(JSON.values()), key=lambda model: model.__name__):
        lines += [f"#### {model.__name__}", "", *_model(model)]
    lines += [
        "## Deployment",
        "",
        "Under `about.deployment` in the `manifest.json` of a bundle that `tradsys deploy` wrote.",
        "",
    ]
    lines += [*paragraphs(Deployment.__doc__), *_dataclass(Deployment)]
    return "\n".join(lines).rstrip() + "\n"


def ledger() -> str:
    """Kinds of entries in `journal/ledger.jsonl`."""
    named = [cls for cls in vars(entries).values() if isinstance(cls, type) and issubclass(cls, Content)]
    kinds = [cls for cls in named if "kind" in vars(cls)]
    lines = [
        "# Entries of the ledger",
        "",
        "Written by `python scripts/reference`; a test fails where it is out of date. "
        "[The journal](../journal.md) says what counts for whom. Every entry has the `kind` and, as `market`, "
        "`blocks` and `fingerprint`, the data that it is about: the market's name for people, a hash of each month.",
        "",
    ]
    for cls in kinds:
        counts = " A trial: every later verdict on these data counts it." if cls.kind in COUNTED else ""
        lines += [f"## {cls.kind}", "", *paragraphs((cls.__doc__ or "").rstrip() + counts), *_dataclass(cls)]
    return "\n".join(lines).rstrip() + "\n"


def _notes(schema: TableSchema) -> list[str]:
    """In which runs the table is, and which columns may follow its own."""
    only = [f"Runs of kind `{schema.kinds[0]}` only."] if len(schema.kinds) == 1 else []
    more = [f"Others may begin with `{one}`." if one else "Others may follow." for one in schema.further]
    return [" ".join(only + more), ""] if only or more else []


def _dtype(kind: Any) -> str:
    return re.sub(r"^Datetime.*", "time, UTC, ms", str(kind))


def _model(model: type[BaseModel]) -> Iterator[str]:
    yield from paragraphs(model.__doc__)
    said = attribute_docs(model)
    rows = []
    for name, field in model.model_fields.items():
        shown = type_words(model.__annotations__.get(name, field.annotation)).replace(" | ", " or ")
        rows.append((f"`{field.alias or name}`", f"`{shown}`", said.get(name, "")))
    yield from (*_with_notes(rows), "")


def _dataclass(cls: type) -> Iterator[str]:
    assert is_dataclass(cls)
    said = attribute_docs(cls)
    rows = [
        (f"`{one.name}`", f"`{type_words(one.type).replace(' | ', ' or ')}`", said.get(one.name, ""))
        for one in fields(cls)
        if one.name != "data"
    ]
    yield from (*_with_notes(rows), "")


def _with_notes(rows: list[tuple[str, str, str]]) -> list[str]:
    """The third column only where anything stands in it."""
    if any(row[2] for row in rows):
        return table(("field", "type", "what"), rows)
    return table(("field", "type"), [row[:2] for row in rows])


def _inner(models: Any) -> set[type[BaseModel]]:
    """Every model that a field of these holds, however deep."""
    found: set[type[BaseModel]] = set()
    todo = list(models)
    while todo:
        for field in todo.pop().model_fields.values():
            new = {one for one in _named(field.annotation) if issubclass(one, BaseModel)} - found
            found |= new
            todo += new
    return found


def _named(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for one in get_args(annotation):
        yield from _named(one)
