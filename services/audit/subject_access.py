"""What the audit log holds of one person, for the right of access (shared/web/subject_access.py): when what was done
with their data, for which purpose, under which agreement, and to whom by office."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.audit.desk import MOST
from services.audit.log import Log, Reading
from services.audit.pages import ACTIONS, SERVICE, outcome_in_words
from services.audit.store import END, EVER, AuditStore, Window
from shared.access import Agreements
from shared.initiatives import Initiatives
from shared.web import N_, Language
from shared.web.subject_access import PURPOSE, Held, section
from shared.web.viewer import ROLES

LEFT_OUT = (
    N_("Which employee it was: the law gives dates, purposes and recipients, and this only where a right could not be "
       "used without it (Court of Justice, C-579/21). Who answers this request can look it up."),
    N_("To what an entry refers, beside the kind of it: it may be a record of somebody else. What proves that the log "
       "is whole (hashes and signatures) says nothing of anybody."),
)  # fmt: skip
ITSELF = N_("Jigsaw, by itself (%(service)s)")
CHANGED = N_("This entry was changed: %(fault)s")
PARTNER = "partner:"
PURPOSES = {
    "identity": N_("Keeping records with the right people"),
    "accountability": N_("Seeing to it that the rules are kept"),
    PURPOSE: N_("Telling the person what is held"),
}
"""Those that are no initiative's."""


class Holding:
    """Reads one person whole."""

    def __init__(self, log: Log, agreements: Agreements, initiatives: Initiatives) -> None:
        self._log, self._agreements = log, agreements
        self._titles = {one.purpose: one.title for one in initiatives}
        self._controllers = {one.partner.name: one.partner.controller for one in agreements.by_name.values()}

    async def __call__(self, store: AuditStore, asked: Sequence[UUID], spoken: Language) -> Held:
        numbers = [key.number for key in await store.keys_of(asked)]
        before, readings = END, list[Reading]()
        while entries := await store.of_subjects(numbers, Window(before, *EVER, MOST)):
            readings += await self._log.read(store, entries)
            before = entries[-1].seq
        _ = spoken.gettext
        labels = {"at": _("When"), "what": _("What"), "who": _("Who"), "why": _("Purpose"),
                  "under": _("Agreement"), "fields": _("Which data"), "ended": _("Outcome")}  # fmt: skip
        about = _("Each time something was done with the person's data, also by machines, also when it was refused.")
        rows = [self._row(one, spoken) for one in readings]
        return Held(
            service="audit", ids=list(asked), sections=section("entries", _("The log"), about, labels, rows),
            left_out=[_(sentence) for sentence in LEFT_OUT] if rows else [],
        )  # fmt: skip

    def _row(self, reading: Reading, spoken: Language) -> dict[str, Any]:
        """No actor, and of the reference only its kind."""
        entry = reading.entry
        row = {"seq": entry.seq, "at": entry.at, "subject": reading.entity}
        if reading.opened is None:
            return {**row, "what": spoken.gettext(CHANGED, fault=reading.fault)}
        access = reading.opened.access
        return {
            **row, "action": access.action, "what": spoken.gettext(ACTIONS[access.action]), "service": access.service,
            "role": access.role, "who": self._who(entry.actor, access.role, spoken), "purpose": access.purpose,
            "why": [self._purpose(name, spoken) for name in access.purpose.split(",") if name],
            "agreements": [name for name in access.agreement.split(",") if name],
            "under": [self._title(name, spoken) for name in access.agreement.split(",") if name],
            "fields": access.fields, "outcome": access.outcome, "ended": spoken.gettext(outcome_in_words(access)),
            "about": access.reference.partition(":")[0] if ":" in access.reference else None,
        }  # fmt: skip

    def _who(self, actor: str, role: str, spoken: Language) -> str:
        """A machine, an organisation, or an office."""
        if actor.startswith(SERVICE):
            return spoken.gettext(ITSELF, service=actor.removeprefix(SERVICE))
        if actor.startswith(PARTNER):
            name = actor.removeprefix(PARTNER)
            return self._controllers.get(name, name)
        return spoken.gettext(ROLES.get(role, role))

    def _purpose(self, name: str, spoken: Language) -> str:
        if name in self._titles:
            return self._titles[name].of(spoken.code)
        return spoken.gettext(PURPOSES.get(name, name))

    def _title(self, name: str, spoken: Language) -> str:
        found = self._agreements.by_name.get(name)
        return found.title.of(spoken.code) if found else name
