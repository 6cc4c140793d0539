"""Who may know why: every role, purpose, agreement and fact against the files, for alerts over HTTP."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from shared.contracts import Kind, Reason, ScoreChanged
from shared.contracts.envelope import first
from shared.web import Viewer
from shared.web.viewer import OFFICE
from tests.access.everything import NAMES, PURPOSES, ROLES, TEAM, shown, write
from tests.alerts.examples import NOW, entity
from tests.alerts.serving import Served, linkage, mailbox, served
from tests.alerts.test_service import alerts, entries, rows

BEFORE = "alerts-"
__all__ = ["linkage", "mailbox", "served"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("everything"), BEFORE)


@pytest.fixture(scope="module")
async def opened(served: Served) -> dict[str, UUID]:
    """An alert about one person for every purpose, each with every reason there is: purpose → alert."""
    reasons = [Reason(feature=name, value=1.0, contribution=1.0) for name in NAMES]
    bodies = [
        ScoreChanged(
            initiative=BEFORE + purpose, entity=entity(1), kind=Kind.PERSON, version=1, score=0.9, reasons=reasons,
            model="m1", receipt=uuid4(), as_of=NOW, area=None,
        )
        for purpose in PURPOSES
    ]  # fmt: skip
    await served.say(first("/services/scoring", str(body.entity), body, NOW) for body in bodies)
    await alerts(served, len(PURPOSES))
    return {
        row["initiative"].removeprefix(BEFORE): row["id"]
        for row in await rows(served, "SELECT initiative, id FROM alerts")
    }


@pytest.mark.parametrize("role", ROLES)
async def test_no_role_reads_from_an_alert_what_no_agreement_shows_it(
    served: Served, opened: dict[str, UUID], role: str
) -> None:
    """Role × purpose × agreement × fact, one by one and in the queue; changing one tells none of it."""
    person = Viewer(f"alerts-matrix-{role}", "Mair Hughes", "mair@example.org", role, TEAM, "")
    acts = role not in OFFICE or role == "supervisor"
    allowed = {purpose: names for purpose in PURPOSES if acts and (names := shown(role, purpose)) is not None}
    async with served.client(person) as asked:
        queue = await asked.get("/alerts/api/alerts")
        assert queue.status_code == (200 if acts else 403)
        told = {one["initiative"].removeprefix(BEFORE): one for one in queue.json().get("alerts", [])}
        assert set(told) == set(allowed)
        for purpose, id in opened.items():
            alone = await asked.get(f"/alerts/api/alerts/{id}")
            assert alone.status_code == (200 if purpose in allowed else 403)
            early = await asked.post(f"/alerts/api/alerts/{id}/close", json={"outcome": "not_needed"})
            assert early.status_code == (409 if purpose in allowed else 403)
            assert not [name for name in NAMES if name in early.text]
            if purpose in allowed:
                names = {reason["feature"] for reason in alone.json()["reasons"]}
                assert names == allowed[purpose], purpose
                assert alone.json()["withheld"] == len(NAMES) - len(names)
                assert alone.json() == told[purpose]
    found = [e["outcome"] for e in await entries(served) if e["actor"] == person.subject]
    refused = 2 * (len(PURPOSES) - len(allowed)) + (not acts)
    assert (found.count("refused"), found.count("allowed")) == (refused, 3 * len(allowed))
    assert found.count("empty") == (acts and not allowed)
