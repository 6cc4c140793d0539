"""``/scoring/…`` for programs: scores with their reasons in words, receipts and their replay, initiatives."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from pydantic import BaseModel, Field

from services.scoring.domain import Receipt, Said, reasons_of
from services.scoring.judging import Running
from services.scoring.replay import Models, replay
from services.scoring.store import ScoringStore
from services.scoring.viewing import OF_INITIATIVES, Asker, Reception, entry
from shared.contracts import Kind, Outcome
from shared.web import Language, Viewer, language
from shared.web.problems import NOBODY, problems
from shared.work import Work, Worker

Spoken = Annotated[Language, Depends(language)]
Purpose = Annotated[str, Query(description="Why you ask: the initiative's purpose.", examples=["neet"])]
REFUSALS = problems(
    {
        401: NOBODY,
        403: "No agreement lets your role see this for this purpose, or it is another team's. The attempt is recorded.",
        404: "There is no such initiative, score or receipt.",
    }
)


class ReasonSaid(BaseModel):
    feature: str = Field(examples=["absence_28d"])
    value: float = Field(examples=[0.42])
    contribution: float = Field(description="What it adds to the score, in log-odds.", examples=[1.3])
    sentence: str = Field(examples=["Missed 42% of lessons in the last four weeks"])


class ScoreSaid(BaseModel):
    """A score with as much of its reasons as the asker may see. ``score`` is null when it was taken back."""

    initiative: str
    entity: UUID
    version: int
    score: float | None = Field(description="A probability, 0–1.")
    as_of: datetime
    into: UUID | None = Field(description="The entity this one was merged into.")
    area: str | None
    team: str
    model: str = Field(description="sha256 of the model.")
    receipt: UUID
    reasons: list[ReasonSaid]
    withheld: int = Field(description="Reasons that no agreement lets your role see for this purpose.")


class ReceiptSaid(BaseModel):
    """What a score was made of, as far as the asker may see it."""

    id: UUID
    at: datetime
    initiative: str
    entity: UUID
    version: int
    as_of: datetime
    score: float | None
    features: dict[str, float]
    contributions: dict[str, float]
    withheld: int = Field(description="Features that no agreement lets your role see for this purpose.")
    members: list[UUID] = Field(description="The records the entity was made of.")
    membership: int = Field(description="Linkage's version of that membership.")
    model: str
    thresholds: dict[str, float]
    agreements: list[str]


class ReplaySaid(BaseModel):
    """The receipt computed again. ``differences``: by how much the score, or the contribution that lies farthest from
    the receipt's, is not the same; which feature that is, and its value, are not said."""

    receipt: UUID
    equal: bool
    score: float | None
    recomputed: float | None
    differences: dict[str, float]
    model: str


class InitiativeSaid(BaseModel):
    name: str
    title: str
    purpose: str
    kind: Kind
    problem: str
    action: str
    capacity_a_week: int
    thresholds: dict[str, float]
    features: list[str]
    model: str


def router(worker: Worker[ScoringStore], running: Sequence[Running], reception: Reception) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["Scores"], prefix="/scoring")
    answers = _Answers(worker, running, reception)
    routes.get("/initiatives", summary="The initiatives at work", responses=REFUSALS)(answers.initiatives)
    routes.get("/scores/{initiative}/{entity}", summary="A score and why", responses=REFUSALS)(answers.score)
    routes.get("/receipts/{id}", summary="What a score was made of", responses=REFUSALS)(answers.receipt)
    routes.get("/receipts/{id}/replay", summary="Compute a score again", responses=REFUSALS)(answers.replay)
    return routes


class _Answers:
    """Each answer is decided and audited in one transaction, and given when that is committed."""

    def __init__(self, worker: Worker[ScoringStore], running: Sequence[Running], reception: Reception) -> None:
        self._worker, self._reception, self._models = worker, reception, Models(running)
        self._running = {one.name: one for one in running}

    async def initiatives(
        self, person: Annotated[Viewer, Depends(OF_INITIATIVES)], spoken: Spoken
    ) -> list[InitiativeSaid]:
        return [_initiative(one, spoken.code) for one in self._running.values()]

    async def score(
        self, request: Request, spoken: Spoken, initiative: str, entity: UUID, purpose: Purpose = ""
    ) -> ScoreSaid:
        one, asker = self._initiative(initiative), await self._reception.asker(request, purpose)
        async with self._worker.work() as work:
            found = await self._score(one, asker, entity, work, spoken.code)
        if isinstance(found, HTTPException):
            raise found
        return found

    async def receipt(self, request: Request, id: UUID, purpose: Purpose = "") -> ReceiptSaid:
        asker = await self._reception.asker(request, purpose)
        async with self._worker.work() as work:
            found = await self._receipt(id, asker, work)
            answer = found if isinstance(found, HTTPException) else await self._made_of(found, asker, work)
        if isinstance(answer, HTTPException):
            raise answer
        return answer

    async def replay(
        self, request: Request, id: Annotated[UUID, Path(description="A score's receipt.")], purpose: Purpose = ""
    ) -> ReplaySaid:
        asker = await self._reception.asker(request, purpose)
        async with self._worker.work() as work:
            found = await self._receipt(id, asker, work)
            answer = found if isinstance(found, HTTPException) else await self._replayed(found, asker, work)
        if isinstance(answer, HTTPException):
            raise answer
        return answer

    def _initiative(self, name: str) -> Running:
        if name not in self._running:
            known = ", ".join(self._running)
            raise HTTPException(404, f"There is no initiative {name!r}. Those at work: {known}.")
        return self._running[name]

    async def _score(
        self, one: Running, asker: Asker, entity: UUID, work: Work[ScoringStore], spoken: str
    ) -> ScoreSaid | HTTPException:
        """The answer, its audit entry kept; a refusal and an empty answer are entries too."""
        if not asker.may_see(one):
            work.audit([entry(asker, {"subject": entity}, Outcome.REFUSED)])
            return _refusal(asker, one)
        said = await work.store.said(entity, one.name)
        receipt = await work.store.receipt(said.receipt) if said else None
        if said is None or receipt is None:
            work.audit([entry(asker, {"subject": entity}, Outcome.EMPTY)])
            return HTTPException(404, f"The entity has no score for {one.name}.")
        if not asker.works_in(_team(one, said)):
            work.audit([entry(asker, _about(receipt), Outcome.REFUSED)])
            return _another_teams()
        answer = self._answer(one, asker, said, receipt, spoken)
        fields = ["score", "area", *(reason.feature for reason in answer.reasons)]
        work.audit([entry(asker, _about(receipt) | {"fields": fields}, Outcome.ALLOWED)])
        return answer

    def _answer(self, one: Running, asker: Asker, said: Said, receipt: Receipt, spoken: str) -> ScoreSaid:
        reasoned = said.score is not None and receipt.model == one.model.sha256
        names, reasons = one.features.names, said.reasons
        found = reasons_of(names, receipt.vector, receipt.contributions, reasons) if reasoned else []
        known = self._reception.shown(asker, one, [reason.feature for reason in found])
        shown = [
            ReasonSaid(
                feature=r.feature, value=r.value, contribution=r.contribution,
                sentence=one.initiative.reason(r.feature, r.value, spoken),
            )
            for r in found
            if r.feature in known
        ]  # fmt: skip
        return ScoreSaid(
            initiative=one.name, entity=receipt.entity, version=said.version, score=said.score, as_of=receipt.as_of,
            into=said.into, area=said.area, team=one.initiative.team(said.area), model=said.model, receipt=receipt.id,
            reasons=shown, withheld=len(found) - len(shown),
        )  # fmt: skip

    async def _receipt(self, id: UUID, asker: Asker, work: Work[ScoringStore]) -> Receipt | HTTPException:
        """The receipt, if the asker may see any of it; else a refusal, its audit entry kept."""
        receipt = await work.store.receipt(id)
        if receipt is None or receipt.initiative not in self._running:
            work.audit([entry(asker, {"reference": f"receipt:{id}"}, Outcome.EMPTY)])
            return HTTPException(404, "There is no such receipt: it was never written, or its entity was erased.")
        one = self._running[receipt.initiative]
        if not (asker.oversees or asker.may_see(one)):
            work.audit([entry(asker, _about(receipt), Outcome.REFUSED)])
            return _refusal(asker, one)
        said = await work.store.said(receipt.entity, receipt.initiative)
        if not (asker.oversees or asker.works_in(_team(one, said))):
            work.audit([entry(asker, _about(receipt), Outcome.REFUSED)])
            return _another_teams()
        return receipt

    async def _made_of(self, receipt: Receipt, asker: Asker, work: Work[ScoringStore]) -> ReceiptSaid:
        model = await self._models.of(receipt.initiative, receipt.model, work.store)
        names = model.features if model else [str(i) for i in range(len(receipt.vector))]
        answer = _receipt_said(receipt, names, self._reception.shown(asker, self._running[receipt.initiative], names))
        fields = ["score", "members", *answer.features]
        work.audit([entry(asker, _about(receipt) | {"fields": fields}, Outcome.ALLOWED)])
        return answer

    async def _replayed(self, receipt: Receipt, asker: Asker, work: Work[ScoringStore]) -> ReplaySaid | HTTPException:
        model = await self._models.of(receipt.initiative, receipt.model, work.store)
        if model is None:
            work.audit([entry(asker, _about(receipt), Outcome.EMPTY)])
            return HTTPException(404, f"The model {receipt.model} is not in the registry: nothing can be recomputed.")
        work.audit([entry(asker, _about(receipt) | {"fields": ["score"]}, Outcome.ALLOWED)])
        again = replay(receipt, model)
        return ReplaySaid(
            receipt=receipt.id, equal=again.equal, score=receipt.score, recomputed=again.score,
            differences=dict(again.differences), model=receipt.model,
        )  # fmt: skip


def _about(receipt: Receipt) -> dict[str, object]:
    return {"subject": receipt.entity, "agreement": receipt.agreements, "reference": f"receipt:{receipt.id}"}


def _refusal(asker: Asker, one: Running) -> HTTPException:
    return HTTPException(
        403,
        f"No agreement in force lets the role {asker.viewer.role!r} see {one.name} for the purpose {asker.purpose!r}. "
        f"Ask with purpose={one.initiative.purpose}, or ask your supervisor for a role that may.",
    )


def _another_teams() -> HTTPException:
    return HTTPException(403, "This score is another team's. Your attempt to see it has been recorded.")


def _team(one: Running, said: Said | None) -> str | None:
    """Whose somebody is now, for an older receipt too. ``None`` when the score was taken back, and the area with it."""
    return one.initiative.team(said.area) if said is not None and said.score is not None else None


def _initiative(one: Running, code: str) -> InitiativeSaid:
    said = one.initiative.statement
    return InitiativeSaid(
        name=one.name, title=said.title.of(code), purpose=said.purpose, kind=said.kind, problem=said.problem.of(code),
        action=said.action.statement.of(code), capacity_a_week=said.action.capacity_a_week,
        thresholds={"raise": said.thresholds.raise_at, "lower": said.thresholds.lower_at},
        features=list(one.features.names), model=one.model.sha256,
    )  # fmt: skip


def _receipt_said(receipt: Receipt, names: Sequence[str], shown: Sequence[str]) -> ReceiptSaid:
    """``names`` of the columns, and those of them that are shown. A score that was taken back was made of nothing."""
    features = dict(zip(names, receipt.vector.tolist(), strict=False))
    contributions = dict(zip(names, receipt.contributions.tolist(), strict=False))
    return ReceiptSaid(
        id=receipt.id, at=receipt.at, initiative=receipt.initiative, entity=receipt.entity, version=receipt.version,
        as_of=receipt.as_of, score=receipt.score,
        features={name: value for name, value in features.items() if name in shown},
        contributions={name: value for name, value in contributions.items() if name in shown},
        withheld=sum(name not in shown for name in features), members=list(receipt.members),
        membership=receipt.membership, model=receipt.model, agreements=[a for a in receipt.agreements.split(",") if a],
        thresholds={"raise": receipt.raise_at, "lower": receipt.lower_at},
    )  # fmt: skip
