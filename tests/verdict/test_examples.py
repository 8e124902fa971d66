import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize("name", ["sharpe"])
def test_the_examples_in_docstrings_print_what_they_say(name):
    result = doctest.testmod(import_module(f"tradsys.verdict.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
