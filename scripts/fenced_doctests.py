"""Examples in docstrings as blocks of code on the site; an extension of griffe, which mkdocs.yml names."""

import re
from typing import Any

from griffe import Extension, Object

EXAMPLE = re.compile(r"^>>> .+?(?=\n\n|\Z)", flags=re.M | re.S)


class FencedDoctests(Extension):
    """Puts a fence around each example of a docstring, which Markdown would take for a quotation."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        if obj.docstring:
            obj.docstring.value = EXAMPLE.sub(lambda found: f"```pycon\n{found[0]}\n```", obj.docstring.value)
