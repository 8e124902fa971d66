"""Tables of the intent journal."""

from typing import Final

VERSION: Final = 3

TABLES: Final = """
create table if not exists trades (
    key text primary key, symbol text not null, side integer not null, origin text not null, size_base real not null,
    reference_price real not null, close_ms integer not null, deadline_ms integer, stop_distance real not null,
    target_distance real, opened_base real not null, opened_price real not null, decision text not null,
    created_ms integer not null, closed_ms integer, ended text, rests_until_ms integer
) strict;
create index if not exists open_trades on trades (symbol) where closed_ms is null;
create table if not exists intents (
    client_id text primary key, trade text not null references trades (key), symbol text not null, leg text not null,
    side integer not null, kind text not null, size_base real not null, price real, is_reduce_only integer not null,
    why text not null, state text not null, filled_base real not null, sent_ms integer not null, answered_ms integer,
    n_sent integer not null, note text not null
) strict;
create index if not exists intents_of_trades on intents (trade);
create index if not exists unsettled on intents (symbol) where state in ('unknown', 'open');
create table if not exists fills (
    symbol text not null, trade_id text not null, client_id text not null, trade text, side integer not null,
    size_base real not null, price real not null, fee_quote real not null, realised_quote real,
    is_maker integer not null, ts_ms integer not null, fee_base real not null, primary key (symbol, trade_id)
) strict;
create index if not exists fills_of_trades on fills (trade);
create table if not exists funding (
    payment_id text primary key, symbol text not null, paid_quote real not null, ts_ms integer not null
) strict;
create table if not exists flags (name text primary key, value text not null) strict;
"""
"""Nothing is ever deleted but flags: the journal is the account's memory."""

UPGRADES: Final = {
    1: (
        "alter table fills rename to fills_before",
        "drop index fills_of_trades",
        "create table fills ("
        " symbol text not null, trade_id text not null, client_id text not null, trade text, side integer not null,"
        " size_base real not null, price real not null, fee_quote real not null, realised_quote real,"
        " is_maker integer not null, ts_ms integer not null, fee_base real not null, primary key (symbol, trade_id)"
        ") strict",
        "insert into fills select *, 0.0 from fills_before",
        "drop table fills_before",
        "create index fills_of_trades on fills (trade)",
    ),
    2: ("alter table trades add column rests_until_ms integer",),
}
"""By version what makes the next one of it. Those before spot markets had no fees in coins, those before limit entries
no time until which an entry rests."""
