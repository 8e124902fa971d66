"""docs/reference/api-*.md: what each package offers to others, for mkdocstrings to fill in from the docstrings."""

import ast
from importlib import import_module
from pathlib import Path

from words import on_one_line, paragraphs, table

import tradsys

PACKAGE = Path(tradsys.__file__).parent
ORDER = (
    "data", "features", "labels", "splits", "models", "regimes", "auditor", "profiles", "predictor", "bundle",
    "backtest", "verdict", "runs", "journal", "report", "neighbours",
)  # fmt: skip
"""Packages that offer anything, in the order in which a bar meets them."""
ALSO = {"models": ("losses.FocalLoss", "losses.SupervisedContrastiveLoss")}
"""Names that are used from their own file."""


def offered(package: str) -> dict[str, str]:
    """Name to the module that it is from: what the `__init__` imports for others, and what is used from its file."""
    source = ast.parse((PACKAGE / package / "__init__.py").read_text())
    found = {
        alias.asname or alias.name: statement.module or ""
        for block in source.body
        if isinstance(block, ast.If)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    for name in ALSO.get(package, ()):
        module, _, own = name.rpartition(".")
        found[own] = f"tradsys.{package}.{module}"
    return found


def page(package: str) -> str:
    """A table that GitHub shows, and a line a name that mkdocstrings makes a section of."""
    names = offered(package)
    about = import_module(f"tradsys.{package}").__doc__
    rows = [(f"[`{name}`]({_file(module)})", _first(name, module)) for name, module in names.items()]
    lines = [f"# tradsys.{package}", "", *paragraphs(about)]
    lines += [f"From `tradsys.{package}`, with the file of each:", "", *table(("name", "what"), rows), ""]
    for name, module in names.items():
        lines += [f"::: {module}.{name}", ""]
    return "\n".join(lines).rstrip() + "\n"


def index() -> str:
    """The list of these pages."""
    rows = [
        (
            f"[`tradsys.{one}`](api-{one}.md)",
            on_one_line(import_module(f"tradsys.{one}").__doc__),
            str(len(offered(one))),
        )
        for one in ORDER
    ]
    lines = [
        "# Python API",
        "",
        "What a package offers to others, from its docstrings; all else is imported from its own file "
        "([every file](../files.md)). Written by `python scripts/reference`; the built site has each name in full.",
        "",
        *table(("package", "about", "names"), rows),
    ]
    return "\n".join(lines) + "\n"


def _file(module: str) -> str:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return (
        f"../../src/tradsys/{(path / '__init__.py' if path.is_dir() else path.with_suffix('.py')).relative_to(PACKAGE)}"
    )


def _first(name: str, module: str) -> str:
    """The first sentence of its docstring, read without importing what may need an extra."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return on_one_line((ast.get_docstring(node) or "").split("\n\n")[0])
    return ""
