"""python -m shared.secrets: once, each for one reader."""

from pathlib import Path
from stat import S_IMODE

import pytest

from shared.contracts import SERVICES
from shared.prepare import PrepareSettings
from shared.secrets import make


def test_secrets_are_made_once(tmp_path: Path) -> None:
    assert make(tmp_path, {})
    before = _all(tmp_path)
    assert not make(tmp_path, {})
    assert _all(tmp_path) == before


def test_a_start_that_was_cut_off_begins_anew(tmp_path: Path) -> None:
    make(tmp_path, {})
    (tmp_path / "postgres" / "password").unlink()
    assert make(tmp_path, {})
    password = (tmp_path / "postgres" / "password").read_text()
    assert password in (tmp_path / "prepare" / "jigsaw_postgres").read_text()


def test_what_others_decide_is_taken_over(tmp_path: Path) -> None:
    given = {"JIGSAW_POSTGRES": "postgresql://boss:word@db.example:5433/postgres?sslmode=require"}
    make(tmp_path, given | {"JIGSAW_OIDC_CLIENT_SECRET": "the provider's"})
    assert (tmp_path / "prepare" / "jigsaw_postgres").read_text() == given["JIGSAW_POSTGRES"]
    own = (tmp_path / "alerts" / "jigsaw_database").read_text()
    assert own.startswith("postgresql://alerts:")
    assert own.endswith("@db.example:5433/jigsaw_alerts?sslmode=require")
    assert (tmp_path / "alerts" / "jigsaw_oidc_client_secret").read_text() == "the provider's"


def test_the_preparing_administrator_knows_what_each_service_signs_in_to_kafka_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JIGSAW_KAFKA", raising=False)
    authority = tmp_path / "ca.pem"
    authority.write_text("whom to believe")
    admin = "kafkas://boss:word@one:9093?ca=/run/secrets/jigsaw/kafka_ca.pem"
    make(tmp_path / "made", {"JIGSAW_KAFKA_ADMIN": admin, "JIGSAW_KAFKA_CA": str(authority)})
    told = PrepareSettings(_secrets_dir=tmp_path / "made" / "prepare", kafka="kafkas://one:9093")  # type: ignore[call-arg]
    assert told.administered() == admin
    for service in SERVICES:
        own = tmp_path / "made" / service
        assert told.words()[service] == (own / "jigsaw_kafka_password").read_text()
        assert (own / "kafka_ca.pem").read_text() == "whom to believe"
    assert len(set(told.words().values())) == len(SERVICES)


def test_where_nobody_signs_in_to_kafka_no_users_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JIGSAW_KAFKA", raising=False)
    make(tmp_path, {})
    told = PrepareSettings(_secrets_dir=tmp_path / "prepare", kafka="one:9092")  # type: ignore[call-arg]
    assert told.administered() == "one:9092"
    assert not told.words()


def test_a_service_gets_its_own_and_nobody_elses(tmp_path: Path) -> None:
    make(tmp_path, {})
    files = {path.parent.name: path for path in tmp_path.rglob("jigsaw_checkpoint_key")}
    assert set(files) == {"audit"}
    assert {path.parent.name for path in tmp_path.rglob("jigsaw_postgres")} == {"prepare"}
    assert len({path.read_text() for path in tmp_path.rglob("jigsaw_sealing_key")}) == 5
    assert len({path.read_text() for path in tmp_path.rglob("jigsaw_kafka_password")}) == 5
    assert {path.parent.name for path in tmp_path.rglob("jigsaw_kafka_admin")} == {"prepare"}
    assert len({path.read_text() for path in tmp_path.rglob("jigsaw_session_key")}) == 1


def test_only_the_reader_may_read(tmp_path: Path) -> None:
    make(tmp_path, {})
    modes = {path.parent.name: S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert modes.pop("postgres") == 0o444  # its image reads it as a user of its own
    assert set(modes.values()) == {0o400}


def _all(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in folder.rglob("*") if path.is_file()}
