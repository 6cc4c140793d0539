"""What the issuer remembers for a while: codes, access tokens, wrong passwords. In memory; nothing here does I/O."""

import base64
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from local.parts.people import Person

CODE_SECONDS = 60
TOKEN_SECONDS = 3600
WRONG_PASSWORDS = 5
LOCKED_SECONDS = 300
Clock = Callable[[], float]


class GrantRefused(Exception):
    """``invalid_grant`` (RFC 6749 §5.2); the message says why."""


@dataclass(frozen=True)
class Grant:
    """What a code stands for. ``challenge``: S256 of the client's verifier; ``signed_in``: seconds since 1970."""

    person: Person
    redirect_uri: str
    challenge: str
    nonce: str
    signed_in: float


@dataclass
class Grants:
    """Codes and the access tokens they were exchanged for."""

    clock: Clock
    _codes: dict[str, Grant] = field(default_factory=dict)
    _spent: dict[str, str] = field(default_factory=dict)
    _tokens: dict[str, Grant] = field(default_factory=dict)

    def code(self, grant: Grant) -> str:
        """A new code, good once and for a minute."""
        self._forget_old()
        code = secrets.token_urlsafe(32)
        self._codes[code] = grant
        return code

    def redeem(self, code: str, redirect_uri: str, verifier: str) -> tuple[str, Grant]:
        """An access token and its grant. Raises ``GrantRefused``.

        Whatever comes of it, the code is spent; a second try also takes back the token of the first (RFC 6749 §4.1.2).
        """
        if code in self._spent:
            self._tokens.pop(self._spent[code], None)
            raise GrantRefused("the code has been used before")
        grant = self._codes.pop(code, None)
        token = secrets.token_urlsafe(32)
        if grant is None or self.clock() - grant.signed_in > CODE_SECONDS:
            raise GrantRefused("the code is unknown or older than a minute")
        self._spent[code] = token
        if redirect_uri != grant.redirect_uri:
            raise GrantRefused("redirect_uri is not the one the code was made for")
        if not hmac.compare_digest(s256(verifier), grant.challenge):
            raise GrantRefused("code_verifier does not fit code_challenge")
        self._tokens[token] = grant
        return token, grant

    def holder(self, token: str) -> Person | None:
        """Whom an access token speaks of; None when it is unknown, taken back or an hour old."""
        grant = self._tokens.get(token)
        return grant.person if grant and self.clock() - grant.signed_in < TOKEN_SECONDS else None

    def _forget_old(self) -> None:
        now = self.clock()
        self._codes = {code: grant for code, grant in self._codes.items() if now - grant.signed_in < CODE_SECONDS}
        self._tokens = {name: grant for name, grant in self._tokens.items() if now - grant.signed_in < TOKEN_SECONDS}
        self._spent = {code: token for code, token in self._spent.items() if token in self._tokens}


@dataclass
class Throttle:
    """Five wrong passwords for a name, right name or not, and it is locked for five minutes."""

    clock: Clock
    _wrong: dict[str, list[float]] = field(default_factory=dict)

    def locked(self, username: str) -> bool:
        """Whether not even the right password is looked at."""
        return len(self._recent(username)) >= WRONG_PASSWORDS

    def wrong(self, username: str) -> None:
        """Count a wrong password."""
        recent = [*self._recent(username), self.clock()]
        self._wrong = {name: times for name in self._wrong if (times := self._recent(name))} | {username: recent}

    def right(self, username: str) -> None:
        """Forget the wrong ones."""
        self._wrong.pop(username, None)

    def _recent(self, username: str) -> list[float]:
        return [when for when in self._wrong.get(username, []) if self.clock() - when < LOCKED_SECONDS]


def s256(verifier: str) -> str:
    """The challenge of a verifier, RFC 7636 §4.2."""
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
