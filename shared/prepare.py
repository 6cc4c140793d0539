"""``python -m shared.prepare``: databases, topics, who may what; before any service starts. Safe to repeat."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from shared.admin import create_topics
from shared.contracts import SERVICES
from shared.db import migrate, provision
from shared.kafka import read
from shared.rights import grant
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


async def prepare(
    admin_dsn: str, kafka: str, passwords: Mapping[str, Passwords], words: Mapping[str, str], *, replication: int = 1
) -> None:
    """Everything that services expect to find. ``words``: their passwords at Kafka, where one signs in. Raises what
    asyncpg, aiokafka and confluent-kafka raise when they are refused."""
    for service, secret in passwords.items():
        await provision(admin_dsn, service, secret.owner, secret.user)
        await migrate(dsn_of(admin_dsn, f"{service}_owner", secret.owner, service), service)
    await create_topics(kafka, replication=replication)
    if words:
        await grant(kafka, words)


class PrepareSettings(BaseSettings):
    """What only preparing is told: an administrator's address and the passwords to give out."""

    model_config = sourced()

    postgres: SecretStr = Field(description="PostgreSQL as an administrator: postgresql://…")
    kafka: str = Field(description="The broker, as services know it.")
    kafka_admin: SecretStr = Field(SecretStr(""), description="Its administrator's address, where one signs in.")
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
    kafka_password_ingest: SecretStr = SecretStr("")
    kafka_password_linkage: SecretStr = SecretStr("")
    kafka_password_scoring: SecretStr = SecretStr("")
    kafka_password_alerts: SecretStr = SecretStr("")
    kafka_password_audit: SecretStr = SecretStr("")

    def passwords(self) -> dict[str, Passwords]:
        return {
            name: Passwords(self._secret(f"owner_password_{name}"), self._secret(f"password_{name}"))
            for name in SERVICES
        }

    def administered(self) -> str:
        return self.kafka_admin.get_secret_value() or self.kafka

    def words(self) -> dict[str, str]:
        """The services' passwords at Kafka; none, where we sign in to nothing."""
        return {name: self._secret(f"kafka_password_{name}") for name in SERVICES if read(self.administered()).user}

    def _secret(self, name: str) -> str:
        value: SecretStr = getattr(self, name)
        return value.get_secret_value()


if __name__ == "__main__":
    told = PrepareSettings()
    admin_dsn = told.postgres.get_secret_value()
    asyncio.run(prepare(admin_dsn, told.administered(), told.passwords(), told.words(), replication=told.replication))
