"""`tradsys trade`: the verbs that ask and command the bot of an account."""

from tradsys.cli.trade_verbs import verbs

commands = verbs
