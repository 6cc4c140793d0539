"""python -m shared.secrets: once, each for one reader."""

from pathlib import Path
from stat import S_IMODE

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


def test_a_service_gets_its_own_and_nobody_elses(tmp_path: Path) -> None:
    make(tmp_path, {})
    files = {path.parent.name: path for path in tmp_path.rglob("jigsaw_checkpoint_key")}
    assert set(files) == {"audit"}
    assert {path.parent.name for path in tmp_path.rglob("jigsaw_postgres")} == {"prepare"}
    assert len({path.read_text() for path in tmp_path.rglob("jigsaw_sealing_key")}) == 5
    assert len({path.read_text() for path in tmp_path.rglob("jigsaw_session_key")}) == 1


def test_only_the_reader_may_read(tmp_path: Path) -> None:
    make(tmp_path, {})
    modes = {path.parent.name: S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert modes.pop("postgres") == 0o444  # its image reads it as a user of its own
    assert set(modes.values()) == {0o400}


def _all(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in folder.rglob("*") if path.is_file()}
