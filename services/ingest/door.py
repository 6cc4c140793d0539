"""Who knocks, and how often: from a request's key to a partner, and its quota."""

import re
from math import ceil

from fastapi import Request

from services.ingest.domain import Sender
from services.ingest.intake import Intake
from services.ingest.keys import Keyring
from services.ingest.quota import Quota
from services.ingest.refusal import Refusal
from shared.access import Agreements
from shared.contracts.envelope import new_trace

STRANGERS_A_MINUTE = 60
"""Requests without a known key that one address may make: each is accounted for, and that must not be a weapon."""
_TRACE = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def trace_of(request: Request) -> str:
    """The request's traceparent, or a new one when it has none that can be read (W3C Trace Context §3.2)."""
    given = request.headers.get("traceparent", "")
    return given if _TRACE.fullmatch(given) else new_trace()


def key_in(request: Request) -> str:
    """The key of ``X-API-Key``, or of ``Authorization: Bearer``; "" without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return request.headers.get("x-api-key", "") or (token.strip() if scheme.lower() == "bearer" else "")


class Door:
    """``quota_factor`` multiplies each agreement's quota."""

    def __init__(
        self, keyring: Keyring, quota: Quota, intake: Intake, agreements: Agreements, quota_factor: float = 1.0
    ) -> None:
        self._keyring, self._quota, self._intake = keyring, quota, intake
        self._agreements, self._factor = agreements, quota_factor
        self._senders: dict[str, Sender] = {}

    async def sender(self, request: Request) -> Sender:
        """Raises ``Refusal`` (401) without a key that is in use; the attempt is in the audit log."""
        key = key_in(request)
        partner = await self._keyring.partner_of(key) if key else None
        if partner is None:
            raise await self._stranger(request, "was shown is not in use" if key else "was shown: there was none")
        sender = self._senders.get(partner)
        if sender is None:
            sender = self._senders[partner] = self._known(partner)
        return sender

    async def admit(self, sender: Sender, events: int) -> None:
        """Raises ``Refusal`` (429, with Retry-After) over the partner's quota; (413) for what would never be within."""
        try:
            wait = await self._quota.admit(sender.partner, events, sender.quota)
        except ValueError:
            raise Refusal(
                413, "More events than your quota",
                f"Your agreement allows {sender.quota} events a minute and this post has {events}: send smaller posts.",
            ) from None  # fmt: skip
        if wait > 0:
            raise Refusal(
                429, "Over quota",
                f"Your agreement allows {sender.quota} events a minute. Nothing was done: send the same post again"
                f" after the seconds that Retry-After says.", {"Retry-After": str(ceil(wait))},
            )  # fmt: skip

    async def _stranger(self, request: Request, how: str) -> Refusal:
        address = request.client.host if request.client else "?"
        wait = await self._quota.admit(f"stranger:{address}", 1, STRANGERS_A_MINUTE)
        if wait > 0:
            return Refusal(
                429, "Too many attempts", "Wait before trying another key.", {"Retry-After": str(ceil(wait))}
            )
        await self._intake.refuse("unknown", "unknown key", trace_of(request))
        return Refusal(
            401, "Unknown key",
            f"No partner's key {how}. Send yours (jsk_…) as X-API-Key or as Authorization: Bearer; an operator can"
            " issue a new one.", {"WWW-Authenticate": "Bearer"},
        )  # fmt: skip

    def _known(self, partner: str) -> Sender:
        own = self._agreements.of_partner(partner)
        per_minute = max((a.quota.events_per_minute for a in own), default=STRANGERS_A_MINUTE)
        sources = frozenset(a.source for a in own) or frozenset({f"/partners/{partner}"})
        return Sender(partner, sources, max(1, int(per_minute * self._factor)))
