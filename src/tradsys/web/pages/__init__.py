"""The pages, a file each; a module here has `routes(site)`, the list of its routes."""

from tradsys.web.pages import bot, calibration, compare, data, home, journal, run, runs, tuning

PAGES = (home, runs, run, compare, journal, tuning, calibration, data, bot)
