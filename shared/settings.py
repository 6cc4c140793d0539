"""What a process is told: by its environment (prefix ``JIGSAW_``), or by files named alike in ``/run/secrets/jigsaw``.

A secret is empty only where nobody signs in.
"""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.kafka import read, signed_in

PROJECT = Path(__file__).parent.parent


SECRETS = Path("/run/secrets/jigsaw")


def sourced() -> SettingsConfigDict:
    """Where variables come from: the environment, then files (as Docker and Kubernetes mount secrets)."""
    folder = SECRETS if SECRETS.is_dir() else None
    return SettingsConfigDict(env_prefix="JIGSAW_", secrets_dir=folder, frozen=True, extra="ignore")


class Settings(BaseSettings):
    """What every service is told; `jigsaw up` and the deployments set them all."""

    model_config = sourced()

    kafka: str = Field(description="The broker: host:port,… or, with a password and TLS, kafkas://host:port,…?ca=FILE.")
    kafka_password: SecretStr = Field(SecretStr(""), description="The service's own there; its user has its name.")
    database: SecretStr = Field(description="The service's own database, with its own role: postgresql://…")
    redis: str = Field(description="Redis or Valkey: redis://… Holds only what can be rebuilt.")
    sealing_key: SecretStr = Field(description="32 bytes in hex: seals what dead letters and drafts keep.")
    session_key: SecretStr = Field(description="Signs the session cookie and the tokens between services.")
    console: str = Field("http://127.0.0.1:8080", description="The console's public address, no slash at the end.")
    http_host: str = Field("127.0.0.1", description="Where the service answers.")
    http_port: int = Field(8000, description="Where the service answers.")
    oidc_issuer: str = Field("", description="The OpenID Connect provider people sign in with.")
    oidc_client_id: str = Field("jigsaw", description="Our client id there.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Our client secret there.")
    agreements: Path = Field(PROJECT / "agreements", description="The folder of sharing agreements.")
    initiatives: Path = Field(PROJECT / "initiatives", description="The folder of initiatives.")
    batch: int = Field(500, description="At most so many messages a transaction.")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    release: str = Field("dev", description="The deployed version, shown by metrics and health.")

    def broker(self, service: str) -> str:
        """Kafka's address for a service."""
        return signed_in(self.kafka, service, self.kafka_password.get_secret_value())

    @field_validator("kafka")
    @classmethod
    def _is_an_address(cls, kafka: str) -> str:
        read(kafka)
        return kafka
