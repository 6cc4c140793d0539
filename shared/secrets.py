"""``python -m shared.secrets FOLDER``: make what must be secret, once, one folder a process that may read it.

For compose and for trying things out. A cluster gets its secrets from whoever keeps them there (deploy/README.md).
"""

import os
import secrets
import sys
from pathlib import Path

from shared.prepare import SERVICES, dsn_of

READER = 10001
"""The user id of the image's services."""


def make(folder: Path, postgres_place: str = "postgres:5432") -> bool:
    """False when they were there already: secrets are made once."""
    if (folder / "postgres" / "password").exists():
        return False
    admin = secrets.token_hex(24)
    admin_dsn = f"postgresql://postgres:{admin}@{postgres_place}/postgres"
    common = {"jigsaw_session_key": secrets.token_hex(32), "jigsaw_oidc_client_secret": secrets.token_hex(32)}
    prepare = {"jigsaw_postgres": admin_dsn}
    for service in SERVICES:
        owner, user = secrets.token_hex(24), secrets.token_hex(24)
        prepare |= {f"jigsaw_owner_password_{service}": owner, f"jigsaw_password_{service}": user}
        own = {
            "jigsaw_database": dsn_of(admin_dsn, service, user, service),
            "jigsaw_sealing_key": secrets.token_hex(32),
        }
        if service == "audit":
            own["jigsaw_checkpoint_key"] = secrets.token_hex(32)
        _write(folder / service, common | own)
    _write(folder / "prepare", prepare)
    _write(folder / "postgres", {"password": admin})
    return True


def _write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.touch(mode=0o444 if folder.name == "postgres" else 0o400)
        path.write_text(text)
        _give(path)


def _give(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, READER, READER)


if __name__ == "__main__":
    print("made" if make(Path(sys.argv[1])) else "there already")
