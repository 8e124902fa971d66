"""The helper that looks for secrets finds each in every form, and finds nothing where there is none."""

import base64
import json
from urllib.parse import quote

import pytest
from tests.live.canaries import Canary, assert_silent, found

CANARY = Canary("api_secret")
OTHER = Canary("telegram_token")


ENCODINGS = {
    "plain": str,
    "backwards": lambda text: text[::-1],
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, upper case": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode() + b"yz").decode(),
    "base64, after one": lambda text: base64.b64encode(b"x" + text.encode() + b"yz").decode(),
    "base64, after two": lambda text: base64.b64encode(b"xx" + text.encode()).decode(),
    "base64, of URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "URL": lambda text: quote(text, safe=""),
    "JSON": json.dumps,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_piece_of_eight_characters_is_found_in_every_form(encoding):
    for start in range(33):
        text = "key=" + ENCODINGS[encoding](CANARY.text[start : start + 8])
        assert f"api_secret in log: {encoding.partition(',')[0]}" in found([CANARY, OTHER], log=text)


def test_seven_characters_tell_nothing():
    for start in range(34):
        assert_silent([CANARY], log=CANARY.text[start : start + 7])


def test_files_and_their_names_are_read(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "journal.sqlite-wal").write_bytes(b"\0\xff" + CANARY.text.encode("utf-16-le"))
    (tmp_path / OTHER.text[:9]).write_bytes(b"")
    hits = found([CANARY, OTHER], tmp_path)
    assert {hit.split(" ")[0] for hit in hits} == {"api_secret", "telegram_token"}
    with pytest.raises(AssertionError, match="sqlite-wal: UTF-16"):
        assert_silent([CANARY], tmp_path)


def test_the_file_of_secrets_may_hold_them(tmp_path):
    (tmp_path / ".env").write_text(CANARY.text)
    assert_silent([CANARY], tmp_path)


def test_equal_names_give_equal_canaries_and_others_share_no_piece():
    assert Canary("api_secret").text == CANARY.text
    assert_silent([CANARY], other=OTHER.text)
