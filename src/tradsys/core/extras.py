"""The optional parts of an installation: which extra of the package brings which module, and which are here."""

from collections.abc import Iterable
from importlib.util import find_spec

EXTRAS: dict[str, tuple[str, ...]] = {
    "data": ("ccxt", "exchange_calendars"),
    "research": ("jinja2", "optuna", "sklearn", "statsmodels"),
    "train": ("onnx", "torch"),
    "live": ("aiohttp", "apprise", "ccxt", "prometheus_client"),
    "web": ("jinja2", "starlette", "uvicorn"),
    "cloud": ("fsspec", "s3fs"),
    "servers": ("grpc", "psycopg", "sqlalchemy"),
    "vectorbt": ("pandas", "vectorbt"),
}
"""Extra to the modules that it brings, the first one where several do; pyproject.toml lists the packages."""


def absent(modules: Iterable[str]) -> list[str]:
    """Those that are not installed; nothing is imported."""
    return [name for name in modules if find_spec(name) is None]


def extra_of(module: str | None) -> str | None:
    """The extra that brings a module, or the package that it is in.

    >>> extra_of("torch.nn"), extra_of("numpy")
    ('train', None)
    """
    top = (module or "").partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if top in modules), None)


def to_install(modules: Iterable[str]) -> str:
    """What a user types to have them.

    >>> to_install(["torch", "optuna"])
    "pip install 'tradsys[research,train]'"
    """
    return f"pip install 'tradsys[{','.join(sorted({extra_of(name) or 'all' for name in modules}))}]'"
