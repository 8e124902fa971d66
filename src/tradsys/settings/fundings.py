"""The tables of funding that the settings name, attached to a market in one place."""

from tradsys.data.market import Market
from tradsys.data.outside.funding.join import attach_funding
from tradsys.data.outside.funding.table import FundingFile
from tradsys.data.settings import DataSettings
from tradsys.settings.config import FundingSettings


def with_funding(market: Market, settings: FundingSettings, data: DataSettings | None = None) -> Market:
    """The market with what its symbols settled, as `funding.files` says; itself where there is none."""
    return attach_funding(market, [FundingFile.parse(text) for text in settings.files], data)
