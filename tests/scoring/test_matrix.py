"""Who may know why: every role, purpose, agreement and fact against the files, for scores and receipts over HTTP."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from local.stack import Parts
from shared.web import Viewer
from tests.access.everything import NAMES, PURPOSES, ROLES, TEAM, shown, write
from tests.scoring.serving import Served, served
from tests.scoring.test_service import Heard, fact, publish, said

__all__ = ["said", "served"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("everything"))


@pytest.fixture(scope="module")
async def entity(parts: Parts, served: Served, said: Heard) -> UUID:
    """Somebody with a score for every purpose."""
    who = uuid4()
    await publish(parts, fact(who, uuid4(), purposes=tuple(PURPOSES)))
    await said.until(lambda heard: len(_scores(heard, who)) == len(PURPOSES))
    return who


def _scores(said: Heard, entity: UUID) -> dict[str, UUID]:
    """Initiative → receipt."""
    return {score.initiative: score.receipt for score in said.scores if score.entity == entity}


@pytest.mark.parametrize("role", ROLES)
async def test_no_role_reads_from_a_score_or_receipt_what_no_agreement_shows_it(
    served: Served, said: Heard, entity: UUID, role: str
) -> None:
    """Role × purpose × agreement × fact, also for purposes that are not the initiative's."""
    person = Viewer(f"scoring-matrix-{role}", "Mair Hughes", "mair@example.org", role, TEAM, "")
    disclosed: list[set[str]] = []
    async with served.client(person) as asked:
        for initiative, receipt in _scores(said, entity).items():
            for purpose in (*PURPOSES, "curiosity", ""):
                allowed = shown(role, purpose) if purpose == initiative else None
                score = await asked.get(f"/scoring/scores/{initiative}/{entity}", params={"purpose": purpose})
                assert score.status_code == (200 if allowed is not None else 403), (initiative, purpose)
                if allowed is not None:
                    reasons = {reason["feature"] for reason in score.json()["reasons"]}
                    assert reasons == allowed & set(NAMES[:5]), (initiative, purpose)
                    assert score.json()["withheld"] == 5 - len(reasons)
                    disclosed.append({"score", "area", *reasons})
                allowed = set(NAMES) if role == "auditor" else allowed
                made_of = await asked.get(f"/scoring/receipts/{receipt}", params={"purpose": purpose})
                again = await asked.get(f"/scoring/receipts/{receipt}/replay", params={"purpose": purpose})
                assert made_of.status_code == again.status_code == (200 if allowed is not None else 403)
                if allowed is not None:
                    told = made_of.json()
                    assert set(told["features"]) == set(told["contributions"]) == allowed, (initiative, purpose)
                    assert told["withheld"] == len(NAMES) - len(allowed)
                    disclosed += [{"score", "members", *allowed}, {"score"}]
    asked_for = 3 * len(PURPOSES) * (len(PURPOSES) + 2)
    entries = await said.until(
        lambda heard: len(mine := [e for e in heard.accesses if e.actor == person.subject]) == asked_for and mine
    )
    assert [set(entry.fields) for entry in entries if entry.outcome == "allowed"] == disclosed
    assert {entry.subject for entry in entries} == {entity}


def test_the_matrix_is_not_empty() -> None:
    seen = [names for role in ROLES for purpose in PURPOSES if (names := shown(role, purpose))]
    assert len(seen) > 5
    assert not any(names == set(NAMES) for names in seen)
