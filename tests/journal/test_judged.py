import pytest

from tradsys.journal.judged import JudgedData

SPAN = JudgedData(("m",), 10, 20)


@pytest.mark.parametrize(
    ("other", "both"),
    [
        (JudgedData(("m",), 15, 30), (15, 20)),
        (JudgedData(("m",), 20, 30), None),
        (JudgedData(("m",), 0, 10), None),
        (JudgedData(("m",)), (10, 20)),
        (JudgedData(("m",), None, 15), (10, 15)),
    ],
)
def test_the_overlap_is_what_both_may_have_judged(other, both):
    assert SPAN.overlap(other) == other.overlap(SPAN) == both


def test_neither_says_when():
    assert JudgedData(("a",)).overlap(JudgedData(("b",))) == (None, None)


def test_an_entry_says_what_it_judged_or_all_of_it_may_have_been():
    said = {"blocks": ["m", "n"], "judged": {"blocks": ["m"], "opens": 10, "closes": 20}}
    assert JudgedData.of_entry(said) == SPAN
    assert JudgedData.of_entry({"blocks": ["m", "n"]}) == JudgedData(("m", "n")) == JudgedData.of(["m", "n"])
    assert JudgedData.of(SPAN) is SPAN
