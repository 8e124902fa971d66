"""Whether a request comes from whom it says, and in time: keys, signatures, timestamps."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.exchange.refusals import Refusal, bad_parameter

SIGNATURE = re.compile(r"(^|&)signature=([0-9a-fA-F]+)")
AHEAD_MS = 1_000
"""How far a timestamp may be ahead of the exchange's clock."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Keys by name, each with its secret; the key WITHDRAW may withdraw.

    Where the exchange's clock runs faster than the world's (`checks_time` off), timestamps mean nothing.
    """

    secrets: Mapping[str, str] = field(
        default_factory=lambda: {"loopback-key": "loopback-secret", "WITHDRAW": "loopback-secret"}
    )
    checks_time: bool = True

    def check_key(self, key: str | None) -> None:
        if key not in self.secrets:
            raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)

    def check(self, key: str | None, query: str, body: str, params: Mapping[str, str], now_ms: int) -> None:
        """Refuse what is not signed by the key's secret, or was signed too long ago or too early."""
        self.check_key(key)
        signed = query + body
        found = SIGNATURE.search(signed)
        if found is None:
            raise bad_parameter("signature")
        wanted = hmac.new(
            self.secrets[key or ""].encode(), SIGNATURE.sub("", signed, count=1).encode(), hashlib.sha256
        ).hexdigest()
        if not hmac.compare_digest(wanted, found[2].lower()):
            raise Refusal(-1022, "Signature for this request is not valid.")
        if "timestamp" not in params:
            raise bad_parameter("timestamp")
        if self.checks_time:
            _check_time(int(params["timestamp"]), int(params.get("recvWindow", 5_000)), now_ms)


def _check_time(stamp_ms: int, window_ms: int, now_ms: int) -> None:
    if stamp_ms > now_ms + AHEAD_MS:
        raise Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - stamp_ms > window_ms:
        raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")
