"""Who asks, for which purpose, and what the agreements let them see. No rule is written here: the agreements are it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import HTTPException, Query, Request

from services.linkage import metrics
from services.linkage.desk.showing import Sight
from services.linkage.purposes.terms import IDENTITY
from shared.access import Agreements, decide
from shared.contracts import Access, Action, Outcome
from shared.initiatives import Initiatives
from shared.web import N_, Caller, Callers, Language, Viewer

IDENTITY_TITLE = N_("Keeping records with the right people")
OVERSIGHT = frozenset({"auditor"})
"""May see, for identity, how an entity came about, though no value of it that an agreement does not give them."""
Purpose = Annotated[str, Query(description="Why you ask; empty: the first purpose your role has.", examples=["neet"])]


@dataclass(frozen=True)
class Asker:
    """A person at the screen (of ``caller``, when another service asks for them), and what a purpose lets them see."""

    viewer: Viewer
    purpose: str
    sight: Sight
    caller: str = ""

    @property
    def oversees(self) -> bool:
        return self.viewer.role in OVERSIGHT and self.purpose == IDENTITY

    @property
    def allowed(self) -> bool:
        """Whether any agreement in force names the role and the purpose."""
        return self.sight.decision.allowed

    @property
    def fields(self) -> frozenset[str]:
        """Every field that some agreement shows them."""
        return frozenset[str]().union(*self.sight.decision.fields.values())

    def entry(
        self, action: Action, subject: UUID | None, outcome: Outcome, reference: str, *,
        fields: Collection[str] = (), agreements: Collection[str] = (),
    ) -> Access:  # fmt: skip
        """The audit entry of an answer, which it counts: about whom, which fields of which agreements (their names,
        never values)."""
        if action not in (Action.DECISION, Action.ERASURE):
            metrics.DISCLOSURES.labels(outcome).inc()
        return Access(
            at=datetime.now(UTC), actor=self.viewer.subject, role=self.viewer.role, service="linkage", action=action,
            subject=subject, purpose=self.purpose, agreement=",".join(sorted(set(agreements))),
            fields=sorted(set(fields)), outcome=outcome, reference=reference,
        )  # fmt: skip


class Reception:
    """Knows who asks. ``key``: JIGSAW_SESSION_KEY, which signs service tokens."""

    def __init__(self, key: str, agreements: Agreements, initiatives: Initiatives) -> None:
        self._callers, self._agreements = Callers(key, "linkage"), agreements
        partners = {agreement.partner.name for agreement in agreements.by_name.values()}
        self._of_partner = {name: frozenset(a.name for a in agreements.of_partner(name)) for name in partners}
        self._titles = {one.purpose: one.title for one in initiatives.by_name.values()}

    def purposes(self, role: str) -> list[str]:
        """The purposes for which an agreement in force names this role, ``identity`` first."""
        today = _today()
        in_force = [agreement for agreement in self._agreements.by_name.values() if agreement.in_force(today)]
        found = {r.purpose for agreement in in_force for r in agreement.recipients if r.role == role}
        if role in OVERSIGHT:
            found.add(IDENTITY)
        return sorted(found, key=lambda purpose: (purpose != IDENTITY, purpose))

    def title(self, purpose: str, spoken: Language) -> str:
        """A purpose in words; its name where no initiative has it."""
        if purpose == IDENTITY:
            return spoken.gettext(IDENTITY_TITLE)
        return self._titles[purpose].of(spoken.code) if purpose in self._titles else purpose

    def of_agreement(self, name: str, spoken: Language) -> str:
        """An agreement by the beginning of its title: "Schools" of "Schools: enrolment, attendance…"."""
        found = self._agreements.by_name.get(name)
        return found.title.of(spoken.code).split(":")[0] if found else name

    def asker(self, person: Viewer, purpose: str, caller: str = "") -> Asker:
        """``purpose`` empty: the first that the role has."""
        wanted = purpose or next(iter(self.purposes(person.role)), IDENTITY)
        decision = decide(self._agreements, person.role, wanted, _today())
        return Asker(person, wanted, Sight(decision, self._of_partner), caller)

    async def keeping_identity(self, request: Request) -> Asker:
        """FastAPI dependency: who asks to keep records with the right people. Raises 401 and 403."""
        return await self.asking(request, IDENTITY)

    async def asking(self, request: Request, purpose: Purpose = "") -> Asker:
        """FastAPI dependency: a signed-in person, or whom a service speaks for. Raises 401 and 403."""
        return self._of(await self._callers.asking(request), purpose)

    def calling(self, request: Request, purpose: str) -> Asker:
        """The person a service token speaks for. Raises 401 and 403."""
        return self._of(self._callers.calling(request), purpose)

    def _of(self, caller: Caller, purpose: str) -> Asker:
        named = caller.purpose
        if named and purpose and named != purpose:
            detail = f"The token is for the purpose {named!r}, the request for {purpose!r}: ask for one of them."
            raise HTTPException(403, detail)
        return self.asker(caller.person, named or purpose, caller.service)


def _today() -> date:
    return datetime.now(UTC).date()
