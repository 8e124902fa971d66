"""A process that is guarded tells no secret: in its logs, on its streams, in a crash of any kind."""

import logging
import subprocess
import sys
import textwrap

import pytest
from tests.live.canaries import Canary, assert_silent

from tradsys.live.account.guard import guard_process
from tradsys.live.account.scrub import Scrubber

CANARY = Canary("api_secret")


@pytest.fixture
def guarded():
    end = guard_process(Scrubber([CANARY.text]))
    yield
    end()


def test_a_log_record_holds_no_secret_in_text_argument_or_traceback(guarded, caplog):
    log = logging.getLogger("ccxt.somewhere")
    log.error("signed with %s", CANARY.text)
    log.error(f"signed with {CANARY.text[3:14]}")
    try:
        raise ValueError(f"https://host/?signature={CANARY.text}")
    except ValueError:
        log.exception("it failed", stack_info=True)
    assert "signed with ***" in caplog.text and "ValueError: https://host/?signature=***" in caplog.text
    assert_silent([CANARY], log=caplog.text, records=repr([vars(record) for record in caplog.records]))


CRASHES = {
    "the main thread": "raise ValueError(secret)",
    "a cause": "try:\n    int(secret)\nexcept ValueError as error:\n    raise RuntimeError('so') from error",
    "a thread": "import threading; t = threading.Thread(target=lambda: {}[secret]); t.start(); t.join()",
    "a destructor": "class Late:\n    def __del__(self): raise ValueError(secret)\nLate()",
    "an event loop": "import asyncio, gc\nasync def fail(): raise ValueError(secret)\n"
    "async def main():\n    task = asyncio.ensure_future(fail())\n    await asyncio.sleep(0); await asyncio.sleep(0)\n"
    "    del task; gc.collect()\nasyncio.run(main())",
    "a warning": "import warnings; warnings.warn(secret)",
    "a print": "print('told', secret); sys.stderr.write(secret[4:20])",
    "a log": "import logging; logging.error('told %s', secret)",
}


@pytest.mark.parametrize("crash", CRASHES)
def test_no_crash_tells_it(crash):
    program = textwrap.dedent("""
        import sys
        from tradsys.live.account.guard import guard_process
        from tradsys.live.account.scrub import Scrubber
        secret = sys.stdin.read()
        guard_process(Scrubber([secret]))
    """)
    command = [sys.executable, "-c", program + CRASHES[crash]]
    done = subprocess.run(command, input=CANARY.text, capture_output=True, text=True, check=False)
    assert "***" in done.stdout + done.stderr
    assert_silent([CANARY], out=done.stdout, err=done.stderr)


def test_the_guard_ends_and_streams_stay_streams(capsys):
    before = (sys.stdout, sys.excepthook, logging.getLogRecordFactory())
    end = guard_process(Scrubber([CANARY.text]))
    sys.stdout.writelines(["one ", CANARY.text])
    assert sys.stdout.encoding == before[0].encoding
    end()
    assert (sys.stdout, sys.excepthook, logging.getLogRecordFactory()) == before
    assert capsys.readouterr().out == "one ***"


def test_of_several_secrets_pieces_of_different_lengths_are_found_at_both_ends_of_a_text():
    secrets = [CANARY.text, "eight888", "https://host.example/bot123456/token-of-a-chat"]
    scrub = Scrubber(secrets)
    for piece in (CANARY.text[:8], CANARY.text[-8:], "eight888", "bot123456", "token-of-a-chat"):
        for text in (piece, f"{piece} ends", f"begins {piece}", f"in {piece} it"):
            assert piece not in scrub.text(text)
            assert "***" in scrub.text(text)
    for text in ("", "seven77", "eight88", "nothing of it is in here, whatever its length"):
        assert scrub.text(text) == Scrubber().text(text) == text
