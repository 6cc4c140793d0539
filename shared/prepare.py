"""``python -m shared.prepare``: databases, roles, migrations and topics, before any service starts. Safe to repeat."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from shared.admin import create_topics
from shared.contracts import SERVICES
from shared.db import migrate, provision
from shared.settings import sourced


@dataclass(frozen=True)
class Passwords:
    """Of a service's owner role (migrations) and of its own role (everything else)."""

    owner: str
    user: str


def dsn_of(admin_dsn: str, role: str, password: str, service: str) -> str:
    """The address of one service's database for one role."""
    parsed = urlsplit(admin_dsn)
    place = f"{role}:{quote(password)}@{parsed.hostname}:{parsed.port or 5432}"
    return urlunsplit((parsed.scheme, place, f"/jigsaw_{service}", parsed.query, ""))


async def prepare(admin_dsn: str, servers: str, passwords: Mapping[str, Passwords], *, replication: int = 1) -> None:
    """Everything that services expect to find. Raises what asyncpg and aiokafka raise when they are refused."""
    for service, secret in passwords.items():
        await provision(admin_dsn, service, secret.owner, secret.user)
        await migrate(dsn_of(admin_dsn, f"{service}_owner", secret.owner, service), service)
    await create_topics(servers, replication=replication)


class PrepareSettings(BaseSettings):
    """What only preparing is told: an administrator's address and the passwords to give out."""

    model_config = sourced()

    postgres: SecretStr = Field(description="PostgreSQL as an administrator: postgresql://…")
    kafka: str = Field(description="Bootstrap servers of the broker.")
    replication: int = Field(1, description="Copies of each partition: 3 in production.")
    owner_password_ingest: SecretStr
    owner_password_linkage: SecretStr
    owner_password_scoring: SecretStr
    owner_password_alerts: SecretStr
    owner_password_audit: SecretStr
    password_ingest: SecretStr
    password_linkage: SecretStr
    password_scoring: SecretStr
    password_alerts: SecretStr
    password_audit: SecretStr

    def passwords(self) -> dict[str, Passwords]:
        def secret(name: str) -> str:
            value: SecretStr = getattr(self, name)
            return value.get_secret_value()

        return {name: Passwords(secret(f"owner_password_{name}"), secret(f"password_{name}")) for name in SERVICES}


if __name__ == "__main__":
    told = PrepareSettings()
    admin_dsn = told.postgres.get_secret_value()
    asyncio.run(prepare(admin_dsn, told.kafka, told.passwords(), replication=told.replication))
