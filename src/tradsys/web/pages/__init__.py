"""The pages, a file each; a module here has `routes(site)`, the list of its routes."""

from tradsys.web.pages import bot, calibration, data, home, journal, run, runs, tuning

PAGES = (home, runs, run, journal, tuning, calibration, data, bot)
