"""`tradsys trade BUNDLE`: each refusal with its exit code and field, and what a bot that starts is given and leaves."""

import json
import os
import signal
import socket
import threading
from contextlib import asynccontextmanager, closing
from dataclasses import replace

import polars as pl
import pytest
from tests.live.canaries import Canary, assert_silent
from tests.live.trading import DAY_MS, deployment, mode, rules
from tests.predictor.conftest import bars, predictor

from tradsys.cli.app import main
from tradsys.core.costs import Costs
from tradsys.core.time import now_ms
from tradsys.live.account import read_status
from tradsys.live.account.lock import held
from tradsys.live.clock import SystemClock
from tradsys.live.execution.intent import Trade
from tradsys.live.intents import IntentJournal
from tradsys.live.state import TradingState, read_standing
from tradsys.live.venue import VenueRefused, VenueUnknown
from tradsys.live.venues.tape import BarTape
from tradsys.predictor.traded import read_traded

__all__ = ["bars", "predictor"]
SYMBOL = "BTC/USDT:USDT"


class PatientBot:
    """Does nothing until it is told to stop, and keeps its status."""

    def __init__(self, parts):
        self.parts = parts
        made.append(self)

        self.flags, self.status = parts.executor.journal, self

    def hint(self, _):
        raise AssertionError("nobody hints here")

    def values(self):
        return dict(self.parts.about)

    async def command(self, verb, args):
        raise AssertionError(f"nobody wants {verb} here: {args}")

    async def run(self):
        folder = self.parts.folder
        folder.tell("started", dict(self.parts.about))
        async for command in self.parts.control.commands():
            if command.verb == "stop":
                break
        folder.write_status({**self.parts.about, "now_ms": self.parts.clock.now_ms()})
        folder.tell("stopped", {"by": command.by})


class Exchange:
    """An exchange with an account, as far as a start asks it; so many questions of its mode stay without an answer."""

    name = "binanceusdm"

    def __init__(self, mode, silent=0):
        self.now, self.set, self.is_closed, self.silent = mode, [], False, silent

    async def markets(self, symbols):
        return {symbol: rules(symbol) for symbol in symbols}

    async def mode(self, symbols):
        if self.silent:
            self.silent -= 1
            raise VenueUnknown("no answer within 4 s")
        if isinstance(self.now, Exception):
            raise self.now
        return self.now

    async def set_leverage(self, symbol, leverage, margin_type):
        self.set.append((symbol, leverage, margin_type))
        self.now = replace(self.now, leverage={symbol: leverage}, margin_type={symbol: margin_type})

    async def close(self):
        self.is_closed = True


made: list[PatientBot] = []
ACCOUNT = mode(leverage={SYMBOL: 2.0}, margin_type={SYMBOL: "isolated"})


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tradsys.live.compose.Bot", PatientBot)
    made.clear()


@pytest.fixture
def bundle(tmp_path, predictor):
    """Writes a bundle whose deployment says what a test wants."""

    def write(**changes):
        slippage = {SYMBOL: 1e-4}
        traded = replace(predictor, symbols=(SYMBOL,), valuation=replace(predictor.valuation, slippage=slippage))
        said = deployment(
            symbols=(SYMBOL,),
            interval_ms=3_600_000,
            costs=Costs(),
            profile="TAMED",
            bands=dict.fromkeys(traded.features.columns, (-1.0, 1.0)),
            expires_ms=now_ms() + DAY_MS,
            verdict=replace(deployment().verdict, profile="TAMED"),
        )
        traded.save(tmp_path / "B", deployment=replace(said, **changes).to_dict())
        return "B"

    return write


@pytest.fixture
def tape(tmp_path, bars, predictor):
    """A file with as many bars as the bundle needs, and three more."""
    frame = bars.head(predictor.lookback + 3)
    frame.with_columns(symbol=pl.lit(SYMBOL)).write_parquet(tmp_path / "tape.parquet")
    return "tape.parquet"


def run(capsys, *words):
    code = main(["trade", *words])
    told = capsys.readouterr()
    return code, told.out, told.err


def refused(capsys, *words, code=2):
    found, _, err = run(capsys, *words, "--account", "main")
    assert (found, made) == (code, []), err
    return err


def unproven():
    return replace(deployment().verdict, profile="TAMED", verdict="not proven", sentence="luck")


def test_a_bundle_is_traded_on_paper_to_the_end_of_its_tape(bundle, tape, capsys, tmp_path):
    code, out, err = run(capsys, bundle(), "--account", "main", "--tape", tape)
    assert (code, err) == (0, "")
    assert "started: main, TAMED (proven) on " in out
    assert "command: stop, by the tape's end" in out
    seen = read_status(tmp_path / "live" / "main")
    assert (seen.holder, seen.status["profile"], seen.status["verdict"]) == (None, "TAMED", "proven")


def test_it_trades_on_where_nobody_reads_what_it_prints(bundle, tape, capsys, monkeypatch, tmp_path):
    """Such as `tradsys trade B | head`: an order must not fail for want of a reader."""

    def gone(_):
        raise BrokenPipeError

    monkeypatch.setattr("tradsys.cli.trading.typer.echo", gone)
    assert run(capsys, bundle(), "--account", "main", "--tape", tape)[0] == 0
    assert read_status(tmp_path / "live" / "main").status["profile"] == "TAMED"


def test_a_line_of_json_for_all_that_happens(bundle, tape, capsys):
    _, out, _ = run(capsys, bundle(), "--account", "main", "--tape", tape, "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["kind"] for event in events] == ["started", "command", "stopped"]
    assert events[0]["at_ms"] < events[-1]["at_ms"]


def test_a_tape_goes_on_where_the_account_was_left(bundle, tape, capsys, bars, predictor):
    """The status says when it was; the second start has nothing left to play."""
    words = (bundle(), "--account", "main", "--tape", tape, "--json")
    first = [json.loads(line)["at_ms"] for line in run(capsys, *words)[1].splitlines()]
    again = [json.loads(line)["at_ms"] for line in run(capsys, *words)[1].splitlines()]
    assert first[0] == int(bars["ts"].dt.epoch("ms")[predictor.lookback]) + 1_800_000
    assert first[-1] - first[0] == 2.5 * 3_600_000
    assert again[0] == first[-1]


def test_a_tape_is_played_from_the_day_that_is_named(bundle, tape, capsys, bars, predictor):
    opened = bars["ts"][predictor.lookback + 1]
    words = ("--tape", tape, "--json", "--from", opened.isoformat())
    first = json.loads(run(capsys, bundle(), "--account", "main", *words)[1].splitlines()[0])
    assert first["at_ms"] == int(opened.timestamp() * 1_000) + 1_800_000


def test_a_day_that_no_tape_has_is_refused(bundle, tape, capsys):
    folder = bundle()
    assert "give an earlier day" in refused(capsys, folder, "--tape", tape, "--from", "2999-01-01", code=3)
    assert "none is played; give --tape too" in refused(capsys, folder, "--from", "2021-01-01")
    assert "--from takes a day such as 2020-01-01" in refused(capsys, folder, "--tape", tape, "--from", "noon")


def test_a_tape_of_one_symbol_takes_the_bundles_name_for_it(bundle, bars, predictor, capsys, tmp_path):
    bars.head(predictor.lookback + 3).write_parquet(tmp_path / "OTHER-1h.parquet")
    folder = bundle()
    assert "symbols: the tape says" in refused(capsys, folder, "--tape", "OTHER-1h.parquet")
    assert run(capsys, folder, "--account", "main", "--tape", f"{SYMBOL}=OTHER-1h.parquet")[0] == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"expires_ms": 1_690_000_000_000 + DAY_MS, "created_ms": 1_690_000_000_000}, "expires_ms: the bundle expired"),
        ({"verdict": unproven()}, "verdict: TAMED is not proven (luck)"),
    ],
)
def test_what_speaks_against_the_bundle_is_named(bundle, capsys, monkeypatch, changes, said):
    monkeypatch.setattr("tradsys.live.places.venue_named", lambda *_, **__: paperless())
    code = 4 if "verdict" in changes else 2
    assert said in refused(capsys, bundle(**changes), code=code)


def paperless():
    """The market's data without a moment of history: enough for whoever is refused before."""
    frame = pl.DataFrame({"ts": [0, 3_600_000], **dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)})
    frame = frame.with_columns(pl.col("ts").cast(pl.Datetime("ms", "UTC")))
    return BarTape({SYMBOL: frame}, SystemClock(), name="binance")


def test_what_is_not_proven_is_traded_on_request_and_says_so(bundle, tape, capsys, tmp_path):
    folder = bundle(verdict=unproven())
    assert "--unproven" in refused(capsys, folder, "--tape", tape, code=4)
    assert run(capsys, folder, "--account", "main", "--tape", tape, "--unproven")[0] == 0
    assert read_status(tmp_path / "live" / "main").status["unproven"] == "verdict: TAMED is not proven (luck)"


def test_a_changed_byte_is_refused_by_its_file(bundle, tape, capsys, tmp_path):
    path = sorted(path for path in (tmp_path / bundle()).iterdir() if path.name != "manifest.json")[0]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert f"{path.name} in B changed after the bundle was written" in refused(capsys, "B", "--tape", tape, code=1)


def test_another_interval_venue_or_symbol_is_refused(bundle, bars, tape, capsys, tmp_path):
    folder = bundle()
    quarter = bars.head(500).with_columns(symbol=pl.lit(SYMBOL), ts=pl.datetime_range(
        pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 1) + pl.duration(minutes=15 * 499), "15m",
        time_zone="UTC", time_unit="ms", eager=False,
    ))  # fmt: skip
    quarter.write_parquet(tmp_path / "quarter.parquet")
    assert "interval_ms: the tape says bars of 15m" in refused(capsys, folder, "--tape", "quarter.parquet")
    for key, value, field in [
        ("venue", "bybit", "venue"),
        ("symbols", "XRP/USDT", "symbols"),
        ("interval", "5m", "interval_ms"),
    ]:
        assert f"{field}: trade.{key} says" in refused(capsys, folder, "--tape", tape, "--set", f"trade.{key}={value}")
    assert run(capsys, folder, "--account", "main", "--tape", tape, "--set", "trade.venue=binanceusdm")[0] == 0


def test_one_step_to_money_alone_is_refused(bundle, capsys, monkeypatch):
    folder = bundle()
    assert "takes TRADSYS_TRADE__CONFIRM=main in the environment or .env too" in refused(capsys, folder, "--live")
    monkeypatch.setenv("TRADSYS_TRADE__CONFIRM", "other")
    assert "and it is 'other'" in refused(capsys, folder, "--live")
    monkeypatch.setenv("TRADSYS_TRADE__CONFIRM", "main")
    assert "takes --live too" in refused(capsys, folder)
    assert "TRADSYS_TRADE__API_KEY and TRADSYS_TRADE__API_SECRET" in refused(capsys, folder, "--live")
    assert "give one of them" in refused(capsys, folder, "--live", "--tape", "x")


@pytest.fixture
def with_money(monkeypatch):
    """Both steps taken and a key; returns how the exchange is put there."""
    monkeypatch.setenv("TRADSYS_TRADE__CONFIRM", "main")
    monkeypatch.setenv("TRADSYS_TRADE__API_KEY", Canary("api_key").text)
    monkeypatch.setenv("TRADSYS_TRADE__API_SECRET", Canary("api_secret").text)
    asked = []

    def put(exchange):
        def named(name, **how):
            asked.append(how)
            return exchange

        monkeypatch.setattr("tradsys.live.places.venue_named", named)
        return asked

    return put


def stop_soon(number=signal.SIGTERM):
    def stop():
        for _ in range(6_000):
            if made:
                os.kill(os.getpid(), number)
                break
            threading.Event().wait(0.01)

    threading.Thread(target=stop, daemon=True).start()


@pytest.mark.parametrize(
    ("account", "said"),
    [
        ({"can_withdraw": True}, "can_withdraw: the key may withdraw"),
        ({"is_hedge_mode": True}, "is_hedge_mode: "),
        ({"is_multi_asset": True}, "is_multi_asset: "),
        ({"can_trade": False}, "can_trade: "),
    ],
)
def test_an_account_that_is_not_set_as_it_must_be_is_refused_and_nothing_is_set(
    bundle, with_money, capsys, account, said
):
    exchange = Exchange(replace(ACCOUNT, leverage={SYMBOL: 20.0}, **account))
    with_money(exchange)
    assert said in refused(capsys, bundle(), "--live")
    assert exchange.set == []
    assert exchange.is_closed


def test_money_is_traded_with_the_key_and_leverage_is_set_and_read_back(bundle, with_money, capsys):
    exchange = Exchange(replace(ACCOUNT, leverage={SYMBOL: 20.0}))
    asked = with_money(exchange)
    stop_soon()
    code, out, _ = run(capsys, bundle(), "--account", "main", "--live", "--set", "trade.leverage=3")
    assert code == 0
    assert "with money" in out
    assert asked[0]["api_key"] == Canary("api_key").text
    assert exchange.set == [(SYMBOL, 3.0, "isolated")]


@pytest.fixture
def left_open(tmp_path, request):
    """An account whose last bot left a trade open; of an entry unless it is parametrised."""
    path = tmp_path / "live" / "main"
    path.mkdir(parents=True)
    trade = Trade(
        f"{SYMBOL}@1", SYMBOL, 1, getattr(request, "param", "entry"), 1.0, 100.0, 1, 2, 1.0, None, 0.0, 0.0, "{}", 1,
    )  # fmt: skip
    with closing(IntentJournal(path / "journal.sqlite")) as journal:
        journal.add([], [trade])


EXPIRED = {"expires_ms": 1_690_000_000_000 + DAY_MS, "created_ms": 1_690_000_000_000}


def test_an_expired_bundle_may_see_to_the_trades_that_are_open(bundle, with_money, capsys, left_open, tmp_path):
    """A bot that fell over must not be kept by the calendar from ending what it began."""
    with_money(Exchange(ACCOUNT))
    stop_soon()
    assert run(capsys, bundle(**EXPIRED), "--account", "main", "--live")[0] == 0
    assert "it enters nothing" in read_status(tmp_path / "live" / "main").status["notes"][0]


@pytest.mark.parametrize(
    ("market", "account", "why"),
    [
        ({SYMBOL: rules(SYMBOL, is_trading=False)}, ACCOUNT, "is not traded on binance now"),
        ({}, replace(ACCOUNT, leverage={}, margin_type={}), "binance has no"),
        (None, replace(ACCOUNT, taker_bps=7.0), "costs.taker_bps: this account pays 7 bps"),
    ],
)
def test_what_changed_by_itself_does_not_leave_open_trades_alone(
    bundle, with_money, capsys, left_open, tmp_path, market, account, why
):
    exchange, folder = Exchange(account), bundle()

    async def markets(symbols):
        if not market:
            raise VenueRefused("no such market")
        return market

    if market is not None:
        exchange.markets = markets
    with_money(exchange)
    stop_soon()
    assert run(capsys, folder, "--account", "main", "--live")[0] == 0
    note = read_status(tmp_path / "live" / "main").status["notes"][0]
    assert "it enters nothing, and sees to the trades that are open (1): " in note and why in note
    with closing(IntentJournal.reading(tmp_path / "live" / "main" / "journal.sqlite")) as journal:
        assert read_standing(journal).state is TradingState.REDUCING


def test_who_is_refused_hears_of_the_trades_that_are_left_alone(bundle, with_money, capsys, left_open):
    folder = bundle()
    with_money(Exchange(replace(ACCOUNT, can_withdraw=True)))
    assert f"may only trade; {SYMBOL} was left open" in refused(capsys, folder, "--live")
    with_money(Exchange(VenueRefused("the key was refused")))
    assert f"the key was refused; {SYMBOL} was left open" in refused(
        capsys, folder, "--live", code=VenueRefused.exit_code
    )


@pytest.mark.parametrize("left_open", ["target"], indirect=True)
def test_a_bundle_without_weights_is_not_traded_while_target_weights_hold_something(
    bundle, with_money, capsys, left_open
):
    with_money(Exchange(ACCOUNT))
    assert f"target weights hold {SYMBOL} on this account, and the bundle has none" in refused(
        capsys, bundle(), "--live"
    )


def test_an_exchange_that_is_down_is_asked_until_it_answers(bundle, with_money, capsys, monkeypatch):
    monkeypatch.setattr("tradsys.live.compose.AGAIN_S", 0.0)
    with_money(Exchange(ACCOUNT, silent=3))
    stop_soon()
    code, out, _ = run(capsys, bundle(), "--account", "main", "--live")
    assert code == 0
    assert out.count("error: start: no answer within 4 s") == 3
    assert "with money" in out


def test_whom_the_settings_name_goes_along_but_not_with_a_tape(bundle, tape, with_money, capsys, monkeypatch):
    along = []

    @asynccontextmanager
    async def noted(sides):
        along.append(sides)
        yield

    monkeypatch.setattr("tradsys.cli.trading.accompanied", noted)
    with_money(Exchange(ACCOUNT))
    stop_soon()
    folder = bundle()
    assert run(capsys, folder, "--account", "main", "--live", "--set", "trade.metrics_port=9100")[0] == 0
    assert [(one.account, one.settings.metrics_port, one.interval_ms) for one in along] == [("main", 9100, 3_600_000)]
    monkeypatch.delenv("TRADSYS_TRADE__CONFIRM")
    assert run(capsys, folder, "--account", "tape", "--tape", tape)[0] == 0
    assert len(along) == 1


def test_dearer_fees_than_the_verdict_counted_are_not_proven(bundle, with_money, capsys):
    with_money(Exchange(replace(ACCOUNT, taker_bps=7.0)))
    assert "costs.taker_bps: this account pays 7 bps" in refused(capsys, bundle(), "--live", code=4)


def test_paper_is_given_no_key_although_there_is_one(bundle, with_money, capsys, monkeypatch, bars):
    asked = with_money(paperless())
    monkeypatch.delenv("TRADSYS_TRADE__CONFIRM")
    stop_soon()
    code, out, _ = run(capsys, bundle(), "--account", "main")
    assert code == 0
    assert "on paper" in out
    assert [{name for name, value in how.items() if value} & {"api_key", "api_secret"} for how in asked] == [set()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_in_good_order(bundle, with_money, capsys, number):
    with_money(Exchange(ACCOUNT))
    before = signal.getsignal(signal.SIGTERM)
    stop_soon(number)
    code, out, _ = run(capsys, bundle(), "--account", "main", "--live")
    assert code == 0
    assert f"stopped: by {signal.Signals(number).name}" in out
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_while_the_venue_is_down_it_ends_in_good_order(bundle, with_money, capsys, number):
    class Down(Exchange):
        async def mode(self, symbols):
            os.kill(os.getpid(), number)
            raise VenueUnknown("no answer within 4 s")

    exchange = Down(ACCOUNT)
    with_money(exchange)
    code, _, err = run(capsys, bundle(), "--account", "main", "--live")
    assert (code, made, exchange.set, exchange.is_closed) == (0, [], [], True)
    assert f"told to stop by {number.name} before it traded" in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_while_it_is_being_made_ready_it_ends_in_good_order(
    bundle, with_money, capsys, monkeypatch, number
):
    def read(*given, **how):
        os.kill(os.getpid(), number)
        return read_traded(*given, **how)

    exchange, before = Exchange(ACCOUNT), signal.getsignal(number)
    with_money(exchange)
    monkeypatch.setattr("tradsys.cli.trading.read_traded", read)
    code, _, err = run(capsys, bundle(), "--account", "main", "--live")
    assert (code, made, exchange.set) == (0, [], [])
    assert f"told to stop by {number.name} before it traded" in err
    assert signal.getsignal(number) == before


def test_the_second_bot_of_an_account_is_told_who_has_it(bundle, tape, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tradsys.live.account.lock._PATIENCE_S", 0.0)
    (tmp_path / "live" / "main").mkdir(parents=True)
    with held(tmp_path / "live" / "main", "2026-01-01T00:00:00+00:00"):
        err = refused(capsys, bundle(), "--tape", tape)
    assert f"account main is traded by process {os.getpid()} on {socket.gethostname()}, since 2026-01-01" in err


def test_an_account_stays_what_it_was(bundle, tape, with_money, capsys):
    folder = bundle()
    with pytest.MonkeyPatch.context() as unset:
        unset.delenv("TRADSYS_TRADE__CONFIRM")
        assert run(capsys, folder, "--account", "main", "--tape", tape)[0] == 0
    made.clear()
    with_money(Exchange(ACCOUNT))
    assert "account main is tape on binance, and this would be live on binance" in refused(capsys, folder, "--live")


def test_words_that_mean_nothing_are_refused(bundle, capsys):
    assert "statsu is neither a folder with a bundle nor a verb; did you mean status?" in refused(capsys, "statsu")
    assert "labels.horizon is no setting of section trade" in refused(capsys, bundle(), "--set", "labels.horizon=3")
    assert run(capsys, "B", "--account", "Main")[0] == 2
    assert "1 to 24 small letters" in run(capsys, "B", "--account", "Main")[2]


def test_a_short_tape_is_refused(bundle, bars, capsys, tmp_path):
    bars.head(100).with_columns(symbol=pl.lit(SYMBOL)).write_parquet(tmp_path / "short.parquet")
    assert "has 100 bars, and the bundle needs" in refused(capsys, bundle(), "--tape", "short.parquet", code=3)


def test_no_secret_is_told_whatever_the_exchange_says(bundle, with_money, capsys, tmp_path):
    """Neither by an error, nor on a stream, nor in a file."""
    key, secret = Canary("api_key"), Canary("api_secret")
    with_money(Exchange(VenueRefused(f"no: apiKey={key.text}&signature={secret.text[5:30]}")))
    err = refused(capsys, bundle(), "--live", code=1)
    assert "no: apiKey=***" in err
    assert_silent([key, secret], tmp_path / "live", err=err)


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(bundle, capsys):
    err = refused(capsys, bundle(), "--set", "trade.api_key=c4nary-of-a-key")
    assert "trade.api_key, which only .env and the environment may" in err
    assert "c4nary" not in err
