"""``python -m shared.secrets FOLDER``: make what must be secret, once, one folder a process that may read it.

Compose runs it at each start; for a cluster it is run once by whoever deploys (deploy/README.md). What others decide is
taken from the environment: JIGSAW_POSTGRES and JIGSAW_KAFKA_ADMIN, an administrator's addresses of what is there
already; JIGSAW_KAFKA_CA, the file of the authority that vouches for Kafka; and JIGSAW_OIDC_CLIENT_SECRET, our secret at
the organisation's sign-in provider.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from shared.contracts import SERVICES
from shared.prepare import dsn_of

KAFKA_CA = "kafka_ca.pem"
READER = 10001
"""The user id of the image's services."""


def make(folder: Path, given: Mapping[str, str]) -> bool:
    """False when they were there already: secrets are made once. ``given``: an environment."""
    done = folder / "postgres" / "password"
    if done.exists():
        return False
    admin = secrets.token_hex(24)
    admin_dsn = given.get("JIGSAW_POSTGRES") or f"postgresql://postgres:{admin}@postgres:5432/postgres"
    client = given.get("JIGSAW_OIDC_CLIENT_SECRET") or secrets.token_hex(32)
    common = {"jigsaw_session_key": secrets.token_hex(32), "jigsaw_oidc_client_secret": client}
    authority = {KAFKA_CA: Path(given["JIGSAW_KAFKA_CA"]).read_text()} if given.get("JIGSAW_KAFKA_CA") else {}
    common |= authority
    prepare = {"jigsaw_postgres": admin_dsn, "jigsaw_kafka_admin": given.get("JIGSAW_KAFKA_ADMIN", "")} | authority
    for service in SERVICES:
        owner, user, kafka = (secrets.token_hex(24) for _ in range(3))
        prepare |= {f"jigsaw_owner_password_{service}": owner, f"jigsaw_password_{service}": user}
        prepare[f"jigsaw_kafka_password_{service}"] = kafka
        own = {
            "jigsaw_database": dsn_of(admin_dsn, service, user, service),
            "jigsaw_kafka_password": kafka,
            "jigsaw_sealing_key": secrets.token_hex(32),
        }
        if service == "audit":
            own["jigsaw_checkpoint_key"] = secrets.token_hex(32)
        _write(folder / service, common | own)
    _write(folder / "prepare", prepare)
    _write(folder / "issuer", {"jigsaw_oidc_client_secret": client})
    _write(done.parent, {done.name: admin}, mode=0o444)  # the last, so that a start that was cut off begins anew
    return True


def _write(folder: Path, files: Mapping[str, str], mode: int = 0o400) -> None:
    """Each readable by the image's user alone, unless ``mode`` says otherwise; by us when we are not root."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(text)
        if os.geteuid() == 0:
            os.chown(path, READER, READER)


if __name__ == "__main__":
    print("made" if make(Path(sys.argv[1]), os.environ) else "there already")
