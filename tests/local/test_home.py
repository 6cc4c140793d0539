"""The data folder: ours alone, its secrets, its ports, and who runs in it."""

import os
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

from local import daemon
from local.daemon import Running
from local.home import Home, StackError, free
from local.stack import wipe


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.make()
    return home


def test_a_foreign_folder_is_neither_used_nor_wiped(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StackError, match="not Jigsaw's"):
        Home(tmp_path).make()
    with pytest.raises(StackError, match="nothing was removed"):
        wipe(Home(tmp_path))
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_wiping_removes_ours_and_leaves_what_somebody_put_there(home: Home) -> None:
    home.secret("x")
    (home.path / "notes.txt").write_text("mine")
    wipe(home)
    assert [file.name for file in home.path.iterdir()] == ["notes.txt"]


def test_wiping_removes_the_folder(home: Home) -> None:
    wipe(home)
    assert not home.path.exists()


def test_a_secret_is_made_once_and_for_the_owner_alone(home: Home) -> None:
    first = home.secret("session_key")
    assert len(first) == 64
    assert Home(home.path).secret("session_key") == first != home.secret("sealing_key")
    assert (home.path / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert home.path.stat().st_mode & 0o066 == 0


def test_a_port_stays_with_its_name_until_somebody_else_takes_it(home: Home) -> None:
    port = home.port("kafka")
    assert home.port("kafka") == port != home.port("postgres")
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert not free(port)
        assert home.port("kafka") != port


def test_a_preferred_port_that_is_busy_is_not_insisted_on(home: Home) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert home.port("console", preferred=other.getsockname()[1]) != other.getsockname()[1]


def test_a_pid_that_is_now_somebody_elses_is_not_found_and_not_killed(home: Home) -> None:
    process = subprocess.Popen(["sleep", "30"])
    try:
        stale = Running("kafka", process.pid, psutil.Process(process.pid).create_time() - 100, 9092)
        daemon.remember(home, stale)
        assert daemon.find(home, "kafka") is None
        daemon.stop(home, stale, grace=1)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_a_run_file_cut_off_by_a_dying_machine_is_as_none(home: Home) -> None:
    (home.path / "run" / "kafka.json").write_text('{"name": "kaf')
    assert daemon.find(home, "kafka") is None


def test_home_is_where_the_variable_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JIGSAW_HOME", str(tmp_path / "here"))
    assert Home().path == tmp_path / "here"
    assert os.environ["JIGSAW_HOME"] == str(tmp_path / "here")
