"""Shell lines of a page, and those among them that a comment right above their block says are not run, and why.

<!-- not run: `tradsys remote`, `ssh`: needs a host -->      the lines of the block that hold one of these texts
<!-- not run: freqtrade has an environment of its own -->    the whole block
"""

import re
from dataclasses import dataclass

from tests.test_examples import SHELL_BEGINS

BLOCK = re.compile(
    r"^```(?P<language>\w*)\n(?P<fenced>.*?)^```$|(?<=\n\n)(?P<indented>(?:    [^\n]+\n)+)", flags=re.M | re.S
)
MARK = re.compile(r"<!-- not run: (?P<lines>`.+?`(?:, `.+?`)*: )?(?P<why>[^`>]+?) -->")
ABOVE = re.compile(rf"(?:{MARK.pattern.replace('?P<lines>', '?:').replace('?P<why>', '?:')}\s*)+\Z")


@dataclass(frozen=True, slots=True)
class Mark:
    """A comment: texts of the lines that it is about, none for a whole block, and why they are not run."""

    texts: tuple[str, ...]
    why: str

    def is_about(self, line: str) -> bool:
        """Whether the line is not run."""
        return not self.texts or any(text in line for text in self.texts)


@dataclass(frozen=True, slots=True)
class ShellBlock:
    """Lines of a block, and the marks above it."""

    lines: tuple[str, ...]
    marks: tuple[Mark, ...]

    @property
    def typed(self) -> list[str]:
        """Those that are run."""
        return [line for line in self.lines if not any(mark.is_about(line) for mark in self.marks)]


def shell_blocks(text: str) -> list[ShellBlock]:
    """Fenced blocks of a shell, and blocks set in by four spaces that begin with a command."""
    found = []
    for match in BLOCK.finditer(text):
        body = match["fenced"] if match["indented"] is None else re.sub("^    ", "", match["indented"], flags=re.M)
        is_shell = match["language"] in ("sh", "bash") if match["indented"] is None else SHELL_BEGINS.match(body)
        if is_shell:
            lines = [line for line in body.splitlines() if line.strip() and not line.startswith("#")]
            found.append(ShellBlock(tuple(lines), marks_above(text[: match.start()])))
    return found


def marks_above(text: str) -> tuple[Mark, ...]:
    """The marks at the end of a text."""
    end = ABOVE.search(text)
    return (
        ()
        if end is None
        else tuple(Mark(tuple(re.findall("`(.+?)`", one["lines"] or "")), one["why"]) for one in MARK.finditer(end[0]))
    )
