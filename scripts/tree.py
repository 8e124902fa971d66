"""Write the file tree of the README: every source file with the first sentence of its docstring."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- tree -->", "<!-- /tree -->"


def phrase(path: Path) -> str:
    """The first line of a module's docstring, without its full stop."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return text.split("\n")[0].rstrip(".")


def tree() -> str:
    """A heading a package and a bullet a file."""
    source = ROOT / "src" / "tradsys"
    lines = []
    for package in sorted(path.parent for path in source.rglob("__init__.py")):
        name = package.relative_to(source).as_posix()
        lines += ["", f"**{'tradsys' if name == '.' else name}** {phrase(package / '__init__.py')}", ""]
        files = sorted(path for path in package.glob("*.py") if path.name != "__init__.py")
        lines += [f"- `{path.relative_to(source).as_posix()}` {phrase(path)}" for path in files]
    return "\n".join(lines[1:])


def updated(readme: str) -> str:
    """The README with the tree as it is now."""
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{tree()}\n\n{END}{after}"


if __name__ == "__main__":
    page = ROOT / "README.md"
    wanted = updated(page.read_text())
    if "--check" in sys.argv:
        sys.exit(0 if page.read_text() == wanted else "README.md: the tree is out of date; run python scripts/tree.py")
    page.write_text(wanted)
