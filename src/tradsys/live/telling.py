"""What every part of the bot tells: one callable, listened to by the audit log, notifications and metrics."""

from collections.abc import Callable, Mapping
from typing import Any

type Tell = Callable[[str, Mapping[str, Any]], None]
"""Kind and fields; fields are plain values, and never a secret."""
