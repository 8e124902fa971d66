"""Every piece of work is one part's, whatever else is asked for, and costly ones are shared out."""

import pytest

from tradsys.core.errors import ConfigError
from tradsys.research.parts.part import Part


def shared(pieces: list[tuple[str, int]], n: int) -> list[list[tuple[str, int]]]:
    return [part.share_of(pieces, row=lambda one: one[0], name=str) for part in Part(1, n).others]


@pytest.mark.parametrize("n", [1, 3, 7, 29, 100])
def test_each_piece_is_one_parts_and_each_part_has_as_many_of_each_row_and_in_all(n):
    pieces = [(row, at) for at in range(10) for row in ("noise", "bull", "edge:2")]
    parts = shared(pieces, n)
    assert sorted(one for own in parts for one in own) == sorted(pieces)
    for rows in (("noise",), ("bull",), ("edge:2",), ("noise", "bull", "edge:2")):
        counts = [sum(row in rows for row, _ in own) for own in parts]
        assert max(counts) - min(counts) <= 1


def test_what_comes_back_every_third_piece_is_shared_out_among_three():
    costly = [sum(at % 3 == 0 for _, at in own) for own in shared([("noise", at) for at in range(300)], 3)]
    assert min(costly) > 20


def test_the_same_part_has_the_same_share_in_whatever_order_it_is_asked():
    pieces = [("noise", at) for at in range(20)]
    assert shared(pieces, 3) == [own[::-1] for own in shared(pieces[::-1], 3)]
    assert all(own == sorted(own) for own in shared(pieces, 3))


@pytest.mark.parametrize("written", ["0/3", "4/3", "2", "two/3", "2/3/4", "-1/3", ""])
def test_what_is_no_part_is_refused(written):
    with pytest.raises(ConfigError, match=r"--part takes K/N with K from 1 to N, such as 2/3"):
        Part.of(written)


def test_a_part_is_written_as_it_is_read():
    assert str(Part.of(" 2/3 ")) == "2/3"
    assert Part.of("2/3").label == "part-2-of-3"
