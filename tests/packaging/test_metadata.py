"""tests `scripts/metadata.py`"""

import pytest
from scripts.metadata import WITHOUT_HOME, packaged

HOME = "https://code.example/owner/tradsys"


@pytest.mark.parametrize(
    ("line", "absolute", "spoken"),
    [
        ("[a run](docs/first-run.md)", f"[a run]({HOME}/blob/v1.2.3/docs/first-run.md)", "a run (docs/first-run.md)"),
        ("([docs/x.md](docs/x.md))", f"([docs/x.md]({HOME}/blob/v1.2.3/docs/x.md))", "(docs/x.md)"),
        ("[s](docs/settings.md#costs)", f"[s]({HOME}/blob/v1.2.3/docs/settings.md#costs)", "s (docs/settings.md)"),
        ("![A report](docs/report.png)", f"![A report]({HOME}/raw/v1.2.3/docs/report.png)", ""),
        ("[below](#folders)", "[below](#folders)", "[below](#folders)"),
        ("[there](https://code.example/x)", "[there](https://code.example/x)", "[there](https://code.example/x)"),
        ("[write](mailto:a@code.example)", "[write](mailto:a@code.example)", "[write](mailto:a@code.example)"),
    ],
)
def test_a_link_is_absolute_or_a_path(line, absolute, spoken):
    assert packaged(line, f"{HOME}/", "1.2.3") == absolute
    assert packaged(line, None, "1.2.3") == spoken + WITHOUT_HOME


def test_every_link_of_the_first_page_leads_to_this_versions_files(repository):
    text = packaged((repository / "README.md").read_text(), HOME, "1.2.3")
    paths = [part.split(")")[0] for part in text.split("](")[1:]]
    assert len(paths) > 20 and all(path.startswith(f"{HOME}/") for path in paths)
    assert all((repository / path.split("v1.2.3/")[1]).exists() for path in paths)
