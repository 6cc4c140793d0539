"""How Kafka is reached: by one address, as PostgreSQL and Redis are.

    one:9092,two:9092                                    who asks for nothing
    kafka://user:password@one:9092,two:9092              who asks for a password
    kafkas://user:password@one:9093,two:9093?ca=FILE     and speaks TLS; ``ca``: whom to believe, if not the system's

``mechanism``: SCRAM-SHA-512, unless SCRAM-SHA-256 or PLAIN is said. Source: Kafka's documentation, "Security".
"""

import logging
import ssl
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

# aiokafka warns of each connection with PLAIN and without TLS: how far passwords go is the operator's to know.
logging.getLogger("aiokafka.conn").addFilter(lambda record: "in the clear" not in str(record.msg))

SCHEMES = ("kafka", "kafkas")
SIGN_IN: Mapping[str, Callable[..., BaseSecurity]] = {
    "SCRAM-SHA-512": SASLScram512, "SCRAM-SHA-256": SASLScram256, "PLAIN": SASLPlaintext,
}  # fmt: skip


class Address(NamedTuple):
    """An address, read. ``servers``: host:port, separated by commas; ``user``: "" where nobody signs in."""

    servers: str
    encrypted: bool = False
    user: str = ""
    password: str = ""
    mechanism: str = "SCRAM-SHA-512"
    ca: str = ""


def read(address: str) -> Address:
    """Raises ``ValueError`` that says what is wrong with it, and never the password."""
    if "://" not in address:
        return Address(address)
    url = urlsplit(address)
    user, _, servers = url.netloc.rpartition("@")
    name, _, password = user.partition(":")
    said = {"mechanism": "SCRAM-SHA-512", "ca": ""} | dict(parse_qsl(url.query))
    if url.scheme not in SCHEMES or not servers or url.path.strip("/"):
        raise ValueError("Kafka's address is host:port,… or kafka://user:password@host:port,… (kafkas:// for TLS)")
    if said["mechanism"] not in SIGN_IN or said.keys() > {"mechanism", "ca"}:
        raise ValueError(f"Kafka's address takes ca=FILE and mechanism={'|'.join(SIGN_IN)} after its question mark")
    return Address(servers, url.scheme == "kafkas", unquote(name), unquote(password), **said)


def signed_in(address: str, user: str, password: str) -> str:
    """The address for a user; one that names somebody stays as it is, and so does one where nobody signs in."""
    url = urlsplit(address)
    if "://" not in address or "@" in url.netloc:
        return address
    return urlunsplit(url._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{url.netloc}"))


def without_user(address: str) -> str:
    """The address as all may know it. What is signed in with goes with who does."""
    told = read(address)
    query = urlencode({"ca": told.ca}) if told.ca else ""
    return urlunsplit((urlsplit(address).scheme, told.servers, "", query, "")) if "://" in address else address


def client(address: str) -> dict[str, Any]:
    """What a client of aiokafka is made with. Raises ``ValueError`` as ``read``, ``OSError`` for a ``ca`` that is not
    there."""
    return {"bootstrap_servers": read(address).servers, **parse_security(security(address))}


def security(address: str) -> BaseSecurity | None:
    """As FastStream takes it. Raises as ``client``."""
    told = read(address)
    context = ssl.create_default_context(cafile=told.ca or None) if told.encrypted else None
    if told.user:
        return SIGN_IN[told.mechanism](told.user, told.password, ssl_context=context, use_ssl=told.encrypted)
    return BaseSecurity(ssl_context=context, use_ssl=True) if told.encrypted else None


def librdkafka(address: str) -> dict[str, Any]:
    """What a client of confluent-kafka is made with, for an address with a user. Raises ``ValueError`` as ``read``."""
    told = read(address)
    protocol = "sasl_ssl" if told.encrypted else "sasl_plaintext"
    return {
        "bootstrap.servers": told.servers, "security.protocol": protocol, "log_level": 4,
        "sasl.mechanism": told.mechanism, "sasl.username": told.user, "sasl.password": told.password,
        **({"ssl.ca.location": told.ca} if told.ca else {}),
    }  # fmt: skip
