"""What alerts holds of one person, for the right of access (shared/web/subject_access.py): their alerts with all that
happened to them, what scoring had said, whom it was passed on to, and when their case was opened in an emergency."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.alerts.cards import BANDS, CHANGES, OUTCOMES, STATES, VERDICTS, Wording, team_name
from services.alerts.domain import Alert
from services.alerts.judgement import Key
from services.alerts.overrides import Override
from services.alerts.standing import Standing
from services.alerts.store import AlertStore
from services.alerts.views import Mailed, Past
from shared.contracts import Reason
from shared.contracts.alerts import State
from shared.web import N_, Language
from shared.web.subject_access import Held, Section, section, without

LEFT_OUT = (
    N_("Which youth worker, inspector, officer or supervisor it was: they are said by team, and their names are taken "
       "out of what was written. What was written is otherwise as it is, and may name others: it is read before it is "
       "handed over."),
    N_("What open pages and mails were told, a repetition of what is here. Mails name nobody."),
)  # fmt: skip
ITSELF = N_("Jigsaw, by itself")
STAFF = N_("A member of staff")
PRIVATE = frozenset({"keeper"})
"""What the history keeps of a colleague."""


class Holding:
    """Reads one person whole."""

    def __init__(self, wording: Wording) -> None:
        self._wording = wording

    async def __call__(self, store: AlertStore, asked: Sequence[UUID], spoken: Language) -> Held:
        known = await store.known(asked, datetime.now(UTC), ended=True)
        ids = list(dict.fromkeys([*asked, *known.redirects, *known.redirects.values()]))
        alerts = known.alerts
        if known.erased and not known.standings and all(alert.state is State.ERASED for alert in alerts):
            return Held(service="alerts", ids=ids, erased=True)
        past = await store.history_of([alert.id for alert in alerts])
        overrides = await store.overrides_of(ids)
        names = _colleagues(alerts, past, overrides)
        sections = [
            *self._standings(known.standings, spoken),
            *self._alerts(alerts, spoken),
            *_history(past, names, spoken),
            *_mails(await store.mailed([alert.id for alert in alerts]), spoken),
            *_overrides(overrides, names, spoken),
        ]
        return Held(
            service="alerts", ids=ids, sections=sections, left_out=[spoken.gettext(sentence) for sentence in LEFT_OUT]
        )

    def _standings(self, standings: Mapping[Key, Standing], spoken: Language) -> list[Section]:
        _ = spoken.gettext
        rows = [
            {"entity": entity, "initiative": initiative, "title": self._wording.title(initiative, spoken),
             "score": one.newest and one.newest.value, "area": one.newest and one.newest.area,
             "as_of": one.newest and one.newest.as_of, "receipt": one.newest and one.newest.receipt,
             "reasons": _plain(one.newest.reasons if one.newest else ()), "raised": one.raised, "lowered": one.lowered,
             "settled": one.settled, "alerts": one.episodes}
            for (initiative, entity), one in standings.items()
        ]  # fmt: skip
        about = _("The newest score heard, also one at which nobody is told, and how many alerts there were.")
        labels = {"title": _("Initiative"), "score": _("Score"), "as_of": _("As of"), "area": _("Area"),
                  "alerts": _("Alerts opened")}  # fmt: skip
        return section("standings", _("What was heard last"), about, labels, rows)

    def _alerts(self, alerts: Iterable[Alert], spoken: Language) -> list[Section]:
        _ = spoken.gettext
        rows = [
            {"alert": one.id, "entity": one.entity, "raised_as": one.raised_as, "initiative": one.initiative,
             "title": self._wording.title(one.initiative, spoken), "episode": one.episode, "version": one.version,
             "team": one.team, "with": team_name(one.team), "state": one.state, "how_it_is": _(STATES[one.state][0]),
             "score": one.score, "band": one.band, "urgency": _(BANDS[one.band][0]), "receipt": one.receipt,
             "reasons": _plain(one.reasons),
             "why": [self._wording.sentence(one, why, spoken.code) for why in one.reasons],
             "as_of": one.as_of, "opened_at": one.opened_at, "changed_at": one.changed_at, "outcome": one.outcome,
             "ended": _(OUTCOMES[one.outcome]) if one.outcome else None, "joined_into": one.joined_into,
             "taken_on": one.keeper is not None}
            for one in alerts
        ]  # fmt: skip
        about = _("Each time people were told that the person may need attention.")
        labels = {
            "opened_at": _("Opened"), "title": _("Initiative"), "with": _("Team"), "why": _("Why"),
            "urgency": _("How urgent"), "how_it_is": _("How it is now"), "taken_on": _("Taken on by somebody"),
            "ended": _("How it ended"), "changed_at": _("Changed last"),
        }  # fmt: skip
        return section("alerts", _("Alerts"), about, labels, rows)


def _history(past: Iterable[Past], names: Sequence[str], spoken: Language) -> list[Section]:
    _ = spoken.gettext
    rows = [
        {"alert": line.alert, "at": line.at, "change": line.change, "what": _(CHANGES[line.change][0]),
         "by": _(ITSELF if line.actor.startswith("service:") else STAFF), "note": without(line.note, names),
         "differences": {name: pair for name, pair in line.differences.items() if name not in PRIVATE}}
        for line in past
    ]  # fmt: skip
    about = _("What happened to each alert, and what was written about it.")
    labels = {"at": _("When"), "what": _("What"), "by": _("By"), "note": _("What was written")}
    return section("history", _("What happened"), about, labels, rows, "note")


def _mails(mails: Iterable[Mailed], spoken: Language) -> list[Section]:
    _ = spoken.gettext
    rows = [
        {"alert": one.alert, "team": one.team, "to": team_name(one.team), "at": one.at, "sent_at": one.sent_at}
        for one in mails
    ]
    labels = {"to": _("Team"), "at": _("When"), "sent_at": _("Sent")}
    about = _("A mail told the team that there was an alert, and not about whom.")
    return section("mails", _("Mails"), about, labels, rows)


def _overrides(overrides: Iterable[Override], names: Sequence[str], spoken: Language) -> list[Section]:
    _ = spoken.gettext
    rows = [
        {"override": one.id, "alert": one.alert, "entity": one.person, "team": one.actor_team,
         "by": team_name(one.actor_team), "given_at": one.given_at, "until": one.until,
         "reason": without(one.reason, names), "verdict": one.verdict, "reviewed_at": one.reviewed_at,
         "judged": _(VERDICTS[one.verdict][0]) if one.verdict else None, "note": without(one.note, names)}
        for one in overrides
    ]  # fmt: skip
    labels = {"given_at": _("When"), "by": _("Team"), "reason": _("Reason"), "until": _("Until"),
              "judged": _("What a supervisor found"), "note": _("What was written")}  # fmt: skip
    about = _("Somebody of another team may look in an emergency; a supervisor says afterwards if it was justified.")
    return section("overrides", _("Opened in an emergency"), about, labels, rows, "reason", "note")


def _colleagues(alerts: Iterable[Alert], past: Iterable[Past], overrides: Iterable[Override]) -> list[str]:
    """Names, each word of them, and subjects at the issuer of everybody who did something."""
    found: set[str | None] = {name for one in alerts for name in (one.keeper, one.keeper_name)}
    found |= {name for one in past if not one.actor.startswith("service:") for name in (one.actor, one.actor_name)}
    found |= {name for o in overrides for name in (o.actor, o.actor_name, o.reviewer, o.reviewer_name)}
    return [word for name in found if name for word in (name, *name.split()) if len(word) > 2]


def _plain(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    return [reason.model_dump() for reason in reasons]
