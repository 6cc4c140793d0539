"""The JSON interface of the log: who saw whom, what somebody did, checkpoints, proofs, erasure."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, Field

from services.audit.checkpoint import Signer, Verifier
from services.audit.desk import MOST, ROLE, Desk, Found, Unerased
from services.audit.domain import leaf_data
from services.audit.log import Reading, prove_consistency, prove_inclusion
from services.audit.store import END, EVER, AuditStore, Window
from shared.contracts import Access
from shared.web import N_, Refused, Viewer, csrf, language, viewer
from shared.web.errors import problem
from shared.web.problems import problems
from shared.work import Worker

AUDITORS_ONLY = N_("Only auditors may read the audit log. That you asked was recorded.")
UNERASED = N_(
    "Nothing was erased: the log does not say that linkage erased %(ids)s. Erase them there first, by a steward or "
    "information governance (POST /linkage/api/erasures, or jigsaw erase), then here by the ids that this answers. Its "
    "entry takes about a second. That you asked was recorded."
)


class EntrySaid(BaseModel):
    """One entry. ``access`` is None when the subject was erased or the row was changed (``fault`` says how)."""

    seq: int = Field(description="Its place in the log, from 0.", examples=[41207])
    at: datetime
    actor: str = Field(description="A person's id at the issuer, or service:<name>.", examples=["service:linkage"])
    erased: bool
    fault: str = ""
    access: Access | None


class Entries(BaseModel):
    """Newest first. ``following``: the ``before`` of the next page; None on the last."""

    entries: list[EntrySaid]
    following: int | None


class CheckpointSaid(BaseModel):
    """The newest signed checkpoint, a C2SP signed note; ``verifier_key`` is in the format of the same document."""

    note: str
    verifier_key: str
    size: int
    root: str = Field(description="Hex.")
    at: datetime


class Inclusion(BaseModel):
    """RFC 6962 §2.1.1: that the leaf is entry ``seq`` of the log of ``size`` entries. Hashes in hex."""

    seq: int
    size: int
    leaf: str
    path: list[str] = Field(description="From the leaf to the root.")
    note: str = Field(description="The signed checkpoint of ``size`` entries, whose root the path leads to.")


class Consistency(BaseModel):
    """RFC 6962 §2.1.2: that the older log is the beginning of the newer. Hashes in hex."""

    older: int
    newer: int
    path: list[str]


class Receipt(BaseModel):
    """Everything needed to check one entry without us: the leaf is SHA-256(0x00 ‖ leaf_data), which ends with
    commitment ‖ SHA-256(sealed) ‖ actor; the commitment is SHA-256(salt ‖ payload)."""

    entry: EntrySaid
    leaf_data: str = Field(description="Hex.")
    commitment: str = Field(description="Hex.")
    salt: str | None = Field(description="Hex; None when erased.")
    payload: str | None = Field(description="The committed bytes: canonical JSON; None when erased.")
    inclusion: Inclusion


class ErasureAsked(BaseModel):
    """``entities``: ids under which nothing is left at linkage. ``reason`` is kept for ever and must name nobody."""

    entities: list[UUID] = Field(min_length=1, max_length=1000)
    reason: str = Field(min_length=3, max_length=200, examples=["Article 17 request"])


class Erased(BaseModel):
    """How many ids the log knew, and the entries that tell of their erasure."""

    subjects: int
    entries: list[int]


Entity = Annotated[UUID, Path(description="The entity's reference.")]


def window(
    since: Annotated[AwareDatetime, Query(description="From this moment on.")] = EVER[0],
    until: Annotated[AwareDatetime, Query(description="Before this moment.")] = EVER[1],
    before: Annotated[int, Query(ge=0, le=END, description="`following` of the page before.")] = END,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Window:
    return Window(before, since, until, limit)


Windowed = Annotated[Window, Depends(window)]


def admits(desk: Desk) -> Any:
    """FastAPI dependency: the auditor; who is none is refused, and that is recorded."""

    async def auditor(request: Request, person: Annotated[Viewer, Depends(viewer)]) -> Viewer:
        if person.role == ROLE:
            return person
        asked = request.path_params.get("entity", "")
        await desk.refuse(person, _uuid(str(asked)), f"operation/{request.scope['endpoint'].__name__}")
        raise Refused(AUDITORS_ONLY)

    return Depends(auditor)


def router(worker: Worker[AuditStore], desk: Desk, signer: Signer) -> APIRouter:
    routes = APIRouter(prefix="/audit/api")
    routes.include_router(_readings(desk, admits(desk)))
    routes.include_router(_proofs(worker, signer))
    routes.include_router(_receipts(worker, desk, admits(desk)))
    return routes


def _readings(desk: Desk, auditor: Any) -> APIRouter:
    routes = APIRouter(tags=["reading"])

    @routes.get("/subjects/{entity}", summary="Who saw this person, when, for which purpose")
    async def subjects(
        entity: Entity,
        page: Windowed,
        also: Annotated[list[UUID], Query(description="Other ids of the same person, before a merge.")] = [],  # noqa: B006
        person: Viewer = auditor,
    ) -> Entries:
        return _entries(await desk.about(person, [entity, *also], page))

    @routes.get("/actors/{actor:path}", summary="What this person or service did")
    async def actors(actor: str, page: Windowed, person: Viewer = auditor) -> Entries:
        return _entries(await desk.by(person, actor, page) or Found([], None))

    @routes.post(
        "/erasures", summary="Erase what the log says of somebody", dependencies=[Depends(csrf)], response_model=Erased,
        responses=problems({409: "Linkage has not erased one of them; the detail names it, and nothing was erased."}),
    )  # fmt: skip
    async def erasures(request: Request, asked: ErasureAsked, person: Viewer = auditor) -> Erased | Response:
        """Of whom linkage has erased before. The entries stay and verify; what they say can never be read again."""
        try:
            erasure = await desk.erase(person, asked.entities, asked.reason)
        except Unerased as error:
            spoken = language(request)
            ids = ", ".join(map(str, error.entities))
            return problem(409, spoken.gettext(UNERASED, ids=ids), spoken.gettext(N_("Not erased by linkage")))
        return Erased(subjects=len(erasure.subjects), entries=erasure.entries)

    return routes


def _proofs(worker: Worker[AuditStore], signer: Signer) -> APIRouter:
    """For everybody: hashes say nothing of anybody, and what only we can check proves nothing."""
    routes = APIRouter(tags=["proofs"])

    @routes.get("/checkpoints/latest", summary="The newest signed checkpoint")
    async def latest() -> CheckpointSaid:
        async with worker.work() as work:
            note = (await work.store.head()).note
        if not note:
            raise HTTPException(404, "Nothing has been recorded yet: there is no checkpoint.")
        newest = Verifier(signer.verifier_key).open(note)
        return CheckpointSaid(
            note=note, verifier_key=signer.verifier_key, size=newest.size, root=newest.root.hex(), at=newest.at
        )

    @routes.get("/proofs/inclusion", summary="That an entry is in the log")
    async def included(seq: Annotated[int, Query(ge=0, le=END)]) -> Inclusion:
        async with worker.work() as work:
            return await _inclusion(work.store, seq)

    @routes.get("/proofs/consistency", summary="That the log only grew")
    async def consistent(
        older: Annotated[int, Query(alias="from", ge=0, le=END)], newer: Annotated[int, Query(alias="to", ge=0, le=END)]
    ) -> Consistency:
        async with worker.work() as work:
            size = (await work.store.head()).frontier.size
            if not older <= newer <= size:
                raise HTTPException(422, f"The log has {size} entries: ask for 0 ≤ from ≤ to ≤ {size}.")
            path = await prove_consistency(work.store, older, newer)
        return Consistency(older=older, newer=newer, path=[hash.hex() for hash in path])

    return routes


def _receipts(worker: Worker[AuditStore], desk: Desk, auditor: Any) -> APIRouter:
    routes = APIRouter(tags=["reading"])

    @routes.get("/entries/{seq}", summary="One entry, with what it takes to check it without us")
    async def entries(seq: Annotated[int, Path(ge=0, le=END)], person: Viewer = auditor) -> Receipt:
        reading = await desk.one(person, seq)
        if reading is None:
            raise HTTPException(404, f"The log has no entry {seq} yet.")
        entry, opened = reading.entry, reading.opened
        async with worker.work() as work:
            inclusion = await _inclusion(work.store, seq)
        return Receipt(
            entry=_entry(reading),
            leaf_data=leaf_data(seq, entry.at, entry.subject, entry.actor, entry.commitment, entry.sealed).hex(),
            commitment=entry.commitment.hex(),
            salt=opened.salt.hex() if opened else None,
            payload=opened.payload.decode() if opened else None,
            inclusion=inclusion,
        )

    return routes


async def _inclusion(store: AuditStore, seq: int) -> Inclusion:
    head, entry = await store.head(), await store.entry(seq)
    if entry is None:
        raise HTTPException(404, f"The log has no entry {seq} yet: it has {head.frontier.size}.")
    path = await prove_inclusion(store, seq, head.frontier.size)
    return Inclusion(
        seq=seq, size=head.frontier.size, leaf=entry.leaf.hex(), path=[hash.hex() for hash in path], note=head.note
    )


def _entries(found: Found) -> Entries:
    return Entries(entries=[_entry(reading) for reading in found.readings], following=found.following)


def _entry(reading: Reading) -> EntrySaid:
    entry = reading.entry
    return EntrySaid(
        seq=entry.seq, at=entry.at, actor=entry.actor, erased=reading.entity is None, fault=reading.fault,
        access=reading.opened.access if reading.opened else None,
    )  # fmt: skip


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
