"""The README as packages carry it: links lead to the version's own pages, and none to a file that an index lacks.

Hatchling calls it for every build. The one place to name the project's home is `Repository` in `[project.urls]` of
pyproject.toml; as long as there is none, no link is made up: a page's path stands in the place of its link.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(?P<picture>!?)\[(?P<words>[^\]]*)\]\((?!\w+:|#)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
"""A link or a picture of Markdown whose target is a file beside the page."""

WITHOUT_HOME = "\nPaths such as docs/README.md are those of the source distribution.\n"


def packaged(readme: str, repository: str | None, version: str) -> str:
    """The page with absolute links, laid out as on GitHub and GitLab, or with paths where there is no repository."""

    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if link["picture"] else "blob"
        target = f"{str(repository).rstrip('/')}/{kind}/v{version}/{link['path']}{link['anchor'] or ''}"
        return f"{link['picture']}[{link['words']}]({target})"

    if repository:
        return LINK.sub(absolute, readme)
    return re.sub(r"\n{3,}", "\n\n", LINK.sub(_spoken, readme)) + WITHOUT_HOME


def _spoken(link: re.Match[str]) -> str:
    if link["picture"]:
        return ""
    return link["words"] if link["words"] == link["path"] else f"{link['words']} ({link['path']})"


class PackagedReadme(MetadataHookInterface):
    """What hatchling asks for the fields that pyproject.toml calls dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = metadata.get("urls", {}).get("Repository")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": packaged(text, repository, metadata["version"]),
        }
