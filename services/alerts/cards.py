"""An alert in the words of a page: who, why, how urgent, what happened, in the viewer's language."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.alerts.domain import LIVE, Alert, Band, Outcome
from services.alerts.names import Person
from services.alerts.overrides import Override, Verdict
from services.alerts.views import Opening, Past, Seen
from shared.contracts import Reason
from shared.contracts.alerts import State
from shared.initiatives import Initiatives
from shared.web import N_, Language

BANDS = {
    Band.VERY_HIGH: (N_("Very high"), "red", "high"),
    Band.HIGH: (N_("High"), "orange", "medium"),
    Band.EASING: (N_("Easing"), "yellow", "low"),
    Band.LOW: (N_("Has fallen"), "grey", "low"),
}
"""The band in words, the colour of its tag, and the level of its card."""

STATES = {
    State.OPEN: (N_("New"), "blue"),
    State.ACKNOWLEDGED: (N_("Being looked into"), "turquoise"),
    State.CLOSED: (N_("Closed"), "grey"),
    State.LAPSED: (N_("Lapsed"), "grey"),
    State.JOINED: (N_("Joined to another alert"), "grey"),
    State.ERASED: (N_("Erased"), "grey"),
}

OUTCOMES = {
    Outcome.SUPPORT_AGREED: N_("Support was agreed"),
    Outcome.ALREADY_SUPPORTED: N_("Already has support"),
    Outcome.NOT_NEEDED: N_("No support is needed"),
    Outcome.NOT_REACHED: N_("Could not be reached"),
    Outcome.WRONG_PERSON: N_("The information is about somebody else"),
}

VERDICTS = {
    Verdict.JUSTIFIED: (N_("The emergency justified it"), "green"),
    Verdict.NOT_JUSTIFIED: (N_("Nothing justified it"), "red"),
}

CHANGES = {
    "opened": (N_("Alert opened"), N_("The score rose above the level at which people are told.")),
    "reopened": (N_("Alert reopened"), N_("The score rose again within a day.")),
    "lapsed": (N_("Alert lapsed"), N_("The score fell before anybody had taken it on.")),
    "acknowledged": (N_("Taken on"), ""),
    "closed": (N_("Closed"), ""),
    "moved": (N_("Records were found to be of one person"), N_("The alert now belongs to the joined person.")),
    "joined": (N_("Two alerts of one person became one"), ""),
    "rerouted": (N_("Moved to another team"), ""),
    "scored": (N_("The score changed"), ""),
    "forgotten": (N_("A record that it may have rested on is no longer held"), N_("Its reasons are not kept either.")),
    "erased": (N_("The person's data were erased"), ""),
    "overridden": (N_("Opened in an emergency by another team"), ""),
    **{verdict.value: (text, "") for verdict, (text, _) in VERDICTS.items()},
}


@dataclass(frozen=True, slots=True)
class Why:
    """A reason in words; ``weight`` is its share of all that is said (0–1)."""

    text: str
    weight: float
    lowers: bool


@dataclass(frozen=True, slots=True)
class Card:
    """What a page shows of one alert."""

    alert: Alert
    person: Person
    age: int | None
    who: str
    named: bool
    title: str
    team: str
    band: str
    colour: str
    level: str
    state: str
    state_colour: str
    outcome: str
    why: Sequence[Why]
    withheld: int

    @property
    def live(self) -> bool:
        return self.alert.state in LIVE

    @property
    def score(self) -> int | None:
        """In hundredths, 1 to 99: no score is certain."""
        return None if self.alert.score is None else min(99, max(1, round(self.alert.score * 100)))


@dataclass(frozen=True, slots=True)
class OpeningCard:
    """What a supervisor sees of a case that was opened in an emergency; ``open`` still, or ended."""

    override: Override
    alert: Alert
    who: str
    title: str
    team: str
    by: str
    open: bool
    verdict: str
    colour: str


@dataclass(frozen=True, slots=True)
class Happened:
    """An entry of the timeline (macro ``timeline``)."""

    when: datetime
    title: str
    by: str
    text: str


class Wording:
    """Makes cards, with the reasons and titles of the initiatives."""

    def __init__(self, initiatives: Initiatives) -> None:
        self._initiatives = initiatives

    def card(self, seen: Seen, person: Person, spoken: Language, today: date) -> Card:
        """What a page shows of an alert to whoever may see it so."""
        alert = seen.alert
        band, colour, level = BANDS[alert.band]
        state, state_colour = STATES[alert.state]
        return Card(
            alert=alert, person=person, age=person.age(today), who=who(alert, person, spoken), named=bool(person.name),
            title=self.title(alert.initiative, spoken), team=team_name(alert.team),
            band=spoken.gettext(band), colour=colour, level=level,
            state=spoken.gettext(state), state_colour=state_colour,
            outcome=spoken.gettext(OUTCOMES[alert.outcome]) if alert.outcome else "",
            why=self._why(alert, spoken), withheld=seen.withheld,
        )  # fmt: skip

    def opening(self, opening: Opening, person: Person, spoken: Language, now: datetime) -> OpeningCard:
        """What a supervisor sees of a case that was opened in an emergency."""
        override, alert = opening.override, opening.alert
        verdict, colour = VERDICTS[override.verdict] if override.verdict else ("", "")
        return OpeningCard(
            override, alert, who(alert, person, spoken), self.title(alert.initiative, spoken), team_name(alert.team),
            team_name(override.actor_team), override.is_open(now), spoken.gettext(verdict), colour,
        )  # fmt: skip

    def title(self, initiative: str, spoken: Language) -> str:
        found = self._initiatives.by_name.get(initiative)
        return found.title.of(spoken.code) if found else initiative

    def sentence(self, alert: Alert, reason: Reason, language: str) -> str:
        """A reason in words; the feature's name, should the initiative have dropped it."""
        try:
            return self._initiatives[alert.initiative].reason(reason.feature, reason.value, language)
        except KeyError:
            return reason.feature

    def _why(self, alert: Alert, spoken: Language) -> list[Why]:
        whole = sum(abs(reason.contribution) for reason in alert.reasons) or 1.0
        return [
            Why(self.sentence(alert, one, spoken.code), abs(one.contribution) / whole, one.contribution < 0)
            for one in alert.reasons
        ]

    def timeline(self, past: Iterable[Past], spoken: Language) -> list[Happened]:
        """Newest first. The service's own doings name nobody."""
        return [_happened(line, spoken) for line in past]


def team_name(team: str) -> str:
    """A team of the routing as people write it: Youth East of youth-east."""
    return team.replace("-", " ").title()


def who(alert: Alert, person: Person, spoken: Language) -> str:
    """The person's name, else a reference."""
    return person.name or spoken.gettext(N_("Person %(reference)s"), reference=reference_of(alert))


def reference_of(alert: Alert) -> str:
    """A short name for somebody whose name is not shown: the end of their id."""
    text = alert.entity.hex[-8:].upper()
    return f"{text[:4]}-{text[4:]}"


def _happened(line: Past, spoken: Language) -> Happened:
    title, text = CHANGES[line.change]
    said = [spoken.gettext(text)] if text else []
    outcome = line.differences.get("outcome", (None, None))[1]
    if outcome:
        said.append(spoken.gettext(OUTCOMES[Outcome(outcome)]) + ".")
    if "band" in line.differences and line.change in ("scored", "reopened", "lapsed"):
        old, new = (spoken.gettext(BANDS[Band(band)][0]) for band in line.differences["band"] if band)
        said.append(spoken.gettext(N_("Before: %(old)s. Now: %(new)s."), old=old, new=new))
    if line.change == "rerouted":
        old_team, new_team = (team_name(team or "") for team in line.differences["team"])
        said.append(spoken.gettext(N_("Before: %(old)s. Now: %(new)s."), old=old_team, new=new_team))
    if line.note:
        said.append(f"“{line.note}”")
    return Happened(line.at, spoken.gettext(title), line.actor_name, " ".join(said))
