"""What every page shares: its bar, its words for what is not there, and that nothing of a stranger runs in it."""

import pytest

from tradsys.core.errors import DataError
from tradsys.web.rendering import PLACES, templates

SCRIPT = "<script>alert(1)</script>"


def test_an_error_of_ours_is_shown_in_its_own_words_as_text(visited, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise DataError(f"a market called {SCRIPT}")

    monkeypatch.setattr("tradsys.web.pages.home.html", broken)
    answer = visited.guest().get("/")
    assert answer.status_code == 422
    assert "a market called &lt;script&gt;" in answer.text and SCRIPT not in answer.text


def test_no_template_holds_inline_script_or_style_or_switches_escaping_off():
    env = templates()
    loader = env.loader.loaders[0]
    for name in loader.list_templates():
        source = loader.get_source(env, name)[0]
        assert "| safe" not in source and "autoescape" not in source, name
        assert (
            " style=" not in source and "<style" not in source and " onclick" not in source and "hx-on" not in source
        ), name


@pytest.mark.parametrize("path", [path for path, _ in PLACES])
def test_the_bar_marks_the_part_that_a_page_belongs_to(visited, path):
    answer = visited.guest().get(path)
    if path == "/":
        assert 'aria-current="page"' not in answer.text
    elif answer.status_code == 200:
        assert f'<a href="{path}" aria-current="page">' in answer.text
