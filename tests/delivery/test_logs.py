"""What is logged: JSON, and no text of an error, which may hold a person's data."""

import json
import subprocess
import sys

LOGGING = """
import logging
from shared.telemetry import log, start_logging

start_logging("alerts", "INFO")
log().info("alert.raised", entity="7f")
library = logging.getLogger("asyncpg")
for say in (lambda error: log().error("ours", exc_info=error), lambda error: library.exception("theirs")):
    try:
        raise ValueError("Erin Fictional, born 2010-10-20")
    except ValueError as error:
        say(error)
logging.getLogger("aiokafka").info("too little to be said")
"""


def test_every_line_is_json_also_a_librarys_and_tells_where_an_error_was_but_not_of_whom() -> None:
    said = subprocess.run([sys.executable, "-c", LOGGING], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["alert.raised", "ours", "theirs"]
    assert all(line["service"] == "alerts" and line["level"] and line["timestamp"] for line in lines)
    assert [line.get("error") for line in lines] == [None, "ValueError", "ValueError"]
    assert lines[2]["logger"] == "asyncpg"
    assert lines[1]["at"]
    assert lines[2]["at"]
    assert "Erin" not in said.stdout + said.stderr
