"""docs/limits.md lists the limits, the metrics and the chat's verbs as they are."""

import re
from dataclasses import fields

import pytest

from tradsys.live.notify.telegram_chat import VERBS
from tradsys.live.risk.limits import RiskLimits
from tradsys.live.watching import Health, Metrics


@pytest.fixture
def page(repository):
    return (repository / "docs" / "limits.md").read_text()


def test_every_limit_has_its_line(page):
    table = page.split("## Limits")[1].split("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \|", table, flags=re.M)
    assert sorted([*listed, "drift_rows"]) == sorted(one.name for one in fields(RiskLimits))


def test_every_metric_has_its_line(page):
    class Still:
        def now_ms(self):
            return 0

    shown = Metrics(Health(Still(), max_bar_age_s=1.0)).page().decode()
    names = set(re.findall(r"^# TYPE (\w+) (?:gauge|counter)", shown, flags=re.M))
    assert set(re.findall(r"`(tradsys_\w+)", page)) == {name for name in names if not name.endswith("_created")}


def test_every_verb_of_the_chat_is_named(page):
    assert set(re.findall(r"`/(\w+)`", page)) - {"healthz", "metrics"} == set(VERBS)
