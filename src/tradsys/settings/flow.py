"""The open interest, basis and liquidations that the settings name, attached to a market in one place."""

from tradsys.data.market import Market
from tradsys.data.outside.flow.join import attach_flow
from tradsys.data.outside.flow.spec import FlowSource
from tradsys.data.settings import DataSettings
from tradsys.settings.config import FlowSettings


def with_flow(market: Market, settings: FlowSettings, data: DataSettings | None = None) -> Market:
    """The market with the columns of each source of `flow.sources`; itself where there is none."""
    return attach_flow(market, [FlowSource.parse(text) for text in settings.sources], data)
