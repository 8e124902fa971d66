"""Options that belong to --objectives are not passed over where a stored run is compared."""

import pytest

from tradsys.cli.app import main

GIVEN = {
    "--bars": "mine.csv",
    "--tz": "Asia/Tokyo",
    "--symbol": "BTC",
    "--seeds": "3",
    "--macro": "vix=fred:VIXCLS",
    "--set": "seed=1",
}


@pytest.mark.parametrize(("option", "value"), GIVEN.items(), ids=GIVEN)
def test_options_of_objectives_are_refused_without_it(tmp_path, monkeypatch, capsys, option, value):
    monkeypatch.chdir(tmp_path)
    assert main(["compare", option, value]) == 2
    said = capsys.readouterr().err
    assert option in said
    assert "add --objectives" in said


def test_a_stored_run_needs_none_of_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "--run", "last"]) == 3
    assert "no finished runs" in capsys.readouterr().err
