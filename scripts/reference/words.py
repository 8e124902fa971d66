"""What the reference pages share: tables in Markdown, text on one line, and JSON schemas in words."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

BOUNDS = {
    "exclusiveMinimum": "more than",
    "minimum": "at least",
    "exclusiveMaximum": "less than",
    "maximum": "at most",
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    return ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]


def plain(text: str | None) -> str:
    """Text on one line, in which nothing is taken for a tag, for emphasis or for the end of a cell."""
    return on_one_line(text).replace("<", "&lt;").replace("*", "\\*").replace("|", "&#124;")


def on_one_line(text: str | None) -> str:
    """The text without line breaks."""
    return " ".join((text or "").split())


def paragraphs(text: str | None) -> list[str]:
    """A docstring as Markdown: paragraphs on a line each, examples and drawings left as they are."""
    lines: list[str] = []
    for part in inspect.cleandoc(text or "").split("\n\n"):
        if part.startswith(">>> "):
            lines += ["```pycon", part, "```", ""]
        elif part.startswith((" ", "- ")):
            lines += [part, ""]
        elif part:
            lines += [on_one_line(part), ""]
    return lines


def attribute_docs(cls: type) -> dict[str, str]:
    """The text below each field of a class, which Python forgets."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    said = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            said[field.target.id] = on_one_line(ast.literal_eval(text.value))
    return said


def type_words(annotation: Any) -> str:
    """An annotation as it was written, without the modules."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", text)


def schema_words(schema: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """What a value may be, by its JSON schema: `whole number, at least 1`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return schema_words({**known[name], **{key: value for key, value in schema.items() if key != "$ref"}}, known)
    if "anyOf" in schema:
        return " or ".join(schema_words(one, known) for one in schema["anyOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        *most, last = [f"`{value}`" for value in schema["enum"]]
        return f"{', '.join(most)} or {last}" if most else last
    kind = {
        "number": "number",
        "integer": "whole number",
        "string": "secret text" if schema.get("format") == "password" else "text",
        "boolean": "`true` or `false`",
        "null": "unset",
        "object": "table",
    }.get(schema.get("type", ""), "value")
    if schema.get("type") == "array":
        kind = f"list of {schema_words(schema.get('items', {}), known)}"
    return ", ".join([kind, *(f"{words} {schema[key]:,.12g}" for key, words in BOUNDS.items() if key in schema)])
