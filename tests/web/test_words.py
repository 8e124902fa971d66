"""Words of the pages: names that a line has room for, and numbers that agree with their nouns."""

from tradsys.web.words import brief, trials


def test_a_market_of_many_symbols_is_called_by_the_first_ones():
    assert brief("BTC/USDT 1h") == "BTC/USDT 1h"
    assert brief("A + B + C + D 15m") == "A + B + C + D 15m"
    assert brief(" + ".join(f"S{n:02}" for n in range(30)) + " 1h") == "S00 + S01 + S02 and 27 more, 1h"


def test_one_trial_is_no_trials():
    assert [trials(number) for number in (0, 1, 1_234)] == ["0 trials", "1 trial", "1,234 trials"]
