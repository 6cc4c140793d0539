"""What scoring holds of one person, for the right of access (shared/web/subject_access.py): what is counted of them,
all that was ever said and why, and how the models that said it work (Art. 15(1)(h): the logic, in words)."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from services.scoring.domain import LEAST_CONTRIBUTION, Receipt
from services.scoring.features import DAY
from services.scoring.judging import Running
from services.scoring.store import HeldOf, ScoringStore
from shared.web import N_, Language
from shared.web.subject_access import Held, Section, section

LEFT_OUT = (
    N_("No name, date of birth or address is here: only references of records, and numbers. Of a score that rested on "
       "a record that turned out to be somebody else's, what it was made of is left out: it is theirs too."),
    N_("What happened, as partners sent it, is not kept here: only what is counted of it."),
)  # fmt: skip
HOW = N_(
    "Each thing that is counted adds its part to a sum, or takes away from it; the sum, as a number between 0 and 1, "
    "says how likely it is that the person needs attention. At %(raise)s or more, people are told; below %(lower)s no "
    "longer. Nothing else follows by itself: a person looks, and decides what to do."
)
TAKEN_BACK = N_("Taken back: the records are counted under another reference, or there is nothing left to count.")
UNCOUNTED = N_("No longer counted")
MIXED = N_("Left out: it rested on records of somebody else, too.")


class Holding:
    """Reads one person whole."""

    def __init__(self, running: Sequence[Running]) -> None:
        self._running = {one.name: one for one in running}

    async def __call__(self, store: ScoringStore, asked: Sequence[UUID], spoken: Language) -> Held:
        ids = await store.one_with(asked)
        found = await store.held_of(ids)
        own = {row["record"] for row in found.members if not row["is_erased"]}
        if not own and all(one.score is None for one in found.receipts):  # all that is left says that it was taken back
            return Held(service="scoring", ids=ids, erased=bool(await store.ended(ids)))
        models = {(one["initiative"], one["model"]) for one in found.scores}
        models |= {(one.initiative, one.model) for one in found.receipts}
        cards = await store.cards(sorted(models))
        features = {(card["initiative"], card["sha256"]): card["features"] for card in cards}
        sections = [
            *self._logic(cards, spoken),
            *self._scores(found, spoken),
            *self._receipts(found.receipts, own, features, spoken),
            *self._counts(found, spoken),
            *_records(found, spoken),
        ]
        under = {name for one in found.states for name in one["agreements"].split(",") if name}
        left_out = [spoken.gettext(sentence) for sentence in LEFT_OUT]
        return Held(service="scoring", ids=ids, sections=sections, left_out=left_out, agreements=sorted(under))

    def _counts(self, found: HeldOf, spoken: Language) -> list[Section]:
        _ = spoken.gettext
        rows = [
            {"record": state["record"], **self._named(state["initiative"], spoken), "area": state["area"],
             "newest": state["newest"], "agreements": state["agreements"].split(","), **counted}
            for state in found.states
            for counted in self._tiles(state["initiative"], state["tiles"], spoken)
        ]  # fmt: skip
        labels = {"title": _("Initiative"), "record": _("Record"), "at": _("When"), "what": _("What"),
                  "amount": _("How much")}  # fmt: skip
        about = _("What partners said happened, as numbers. Some count for a time: then they no longer play a part.")
        return section("counts", _("What is counted"), about, labels, rows)

    def _tiles(self, initiative: str, tiles: bytes, spoken: Language) -> list[dict[str, Any]]:
        """One row a number; one without any where the initiative is no more."""
        one = self._running.get(initiative)
        if one is None:
            return [{"features": (), "at": None, "amount": None, "what": [spoken.gettext(UNCOUNTED)]}]
        return [
            {"features": tile.features, "at": _when(tile.at), "amount": tile.amount,
             "what": [one.initiative.words(name, spoken.code) for name in tile.features]
             or [spoken.gettext(UNCOUNTED)]}
            for tile in one.features.counted(tiles)
        ]  # fmt: skip

    def _scores(self, found: HeldOf, spoken: Language) -> list[Section]:
        _ = spoken.gettext
        rows = [
            {**{name: row[name] for name in ("entity", "version", "score", "as_of", "area", "receipt", "model",
                                            "membership", "into_entity")},
             **self._named(row["initiative"], spoken),
             "words": _(TAKEN_BACK) if row["score"] is None else None}
            for row in found.scores
        ]  # fmt: skip
        labels = {"title": _("Initiative"), "score": _("Score"), "as_of": _("As of"), "area": _("Area"),
                  "words": _("Note")}  # fmt: skip
        about = _("What was said last: how likely it is that the person needs attention, between 0 and 1.")
        return section("scores", _("Scores"), about, labels, rows)

    def _receipts(
        self, receipts: Iterable[Receipt], own: set[UUID], features: dict[tuple[str, str], list[str]], spoken: Language
    ) -> list[Section]:  # fmt: skip
        _ = spoken.gettext
        rows = []
        for one in receipts:
            names = features.get((one.initiative, one.model), [])
            made_of = dict(zip(names, zip(one.vector.tolist(), one.contributions.tolist(), strict=True), strict=False))
            mine = [record for record in one.members if record in own]
            others = len(one.members) - len(mine)
            rows.append({
                "receipt": one.id, "at": one.at, **self._named(one.initiative, spoken), "entity": one.entity,
                "version": one.version, "as_of": one.as_of, "score": one.score, "features": {} if others else made_of,
                "why": [_(MIXED)] if others else self._why(one.initiative, made_of, spoken),
                "members": mine, "membership": one.membership,
                "others": others, "model": one.model, "raise": one.raise_at,
                "lower": one.lower_at, "agreements": one.agreements.split(",") if one.agreements else [],
            })  # fmt: skip
        labels = {"at": _("When"), "title": _("Initiative"), "score": _("Score"), "why": _("Why"),
                  "others": _("Records since found to be others'")}  # fmt: skip
        about = _("Every score that was passed on, and what it was made of: what raised it, and what lowered it.")
        return section("receipts", _("Every score, and why"), about, labels, rows)

    def _why(self, initiative: str, made_of: dict[str, tuple[float, float]], spoken: Language) -> list[str]:
        """In words, what raised a score most first, what lowered it last; what did hardly either is in the numbers."""
        ordered = sorted(made_of.items(), key=lambda item: -item[1][1])
        return [
            f"{self._sentence(initiative, name, value, spoken)} ({part:+.2f})"
            for name, (value, part) in ordered
            if abs(part) >= LEAST_CONTRIBUTION
        ]

    def _logic(self, cards: Iterable[Any], spoken: Language) -> list[Section]:
        _ = spoken.gettext
        rows = []
        for card in cards:
            one = self._running.get(card["initiative"])
            statement = one.initiative.statement if one else None
            thresholds = statement and {"raise": statement.thresholds.raise_at, "lower": statement.thresholds.lower_at}
            rows.append({
                **self._named(card["initiative"], spoken), "model": card["sha256"], "features": card["features"],
                "card": card["card"], "problem": statement and statement.problem.of(spoken.code),
                "action": statement and statement.action.statement.of(spoken.code),
                "how": _(HOW, **thresholds) if thresholds else None,
                "counted": [self._sentence(card["initiative"], name, None, spoken) for name in card["features"]],
                "limits": card["card"].get("limits"),
            })  # fmt: skip
        labels = {"title": _("Initiative"), "problem": _("The problem"), "action": _("What would be done"),
                  "how": _("How it is worked out"), "counted": _("What plays a part"),
                  "limits": _("What it cannot do (in English)")}  # fmt: skip
        about = _("The logic of the scores, what they mean and what may follow.")
        return section("logic", _("How scores come about"), about, labels, rows)

    def _sentence(self, initiative: str, feature: str, value: float | None, spoken: Language) -> str:
        """A feature in words, with its value or without; its name, should the initiative have dropped it."""
        try:
            one = self._running[initiative].initiative
            return one.words(feature, spoken.code) if value is None else one.reason(feature, value, spoken.code)
        except KeyError:
            return feature

    def _named(self, initiative: str, spoken: Language) -> dict[str, str]:
        one = self._running.get(initiative)
        return {"initiative": initiative, "title": one.initiative.title.of(spoken.code) if one else initiative}


def _records(found: HeldOf, spoken: Language) -> list[Section]:
    _ = spoken.gettext
    rows = [
        {"record": row["record"], "entity": row["entity"], "version": row["version"], "erased": row["is_erased"]}
        for row in found.members
    ]
    about = _("Which records are counted as this person's. Of one that was erased only its reference stays.")
    labels = {"record": _("Record"), "entity": _("Counted under"), "erased": _("Erased")}
    return section("records", _("Records that are counted"), about, labels, rows)


def _when(at: int | None) -> datetime | date | None:
    """A moment, or the day that something is counted under; nothing for what counts for ever."""
    moment = at and datetime.fromtimestamp(at, UTC)
    return (moment if at % DAY else moment.date()) if moment and at else None
