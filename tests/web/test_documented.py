"""docs/watch-in-the-browser.md names addresses that there are."""

import re

from tradsys.web.pages import PAGES
from tradsys.web.site import Site


def test_each_address_on_the_page_is_a_route(repository, tmp_path):
    text = (repository / "docs" / "watch-in-the-browser.md").read_text()
    named = re.findall(r"^\| `(/[\w/]*)` \|", text, flags=re.M)
    site = Site(tmp_path, tmp_path, tmp_path, str(tmp_path), tmp_path, is_control_allowed=False)
    routes = {route.path for page in PAGES for route in page.routes(site)}
    assert len(named) > 5
    assert {re.sub("[A-Z]+", "{}", one) for one in named} <= {re.sub(r"\{[^}]*\}", "{}", one) for one in routes}
