"""What a steward sees of the models: which one weighs, and a sample of what another would change, with its reasons."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from services.linkage.desk.deciding import Review, entries
from services.linkage.desk.reviewing import Case, ruled
from services.linkage.desk.viewing import Asker
from services.linkage.desk.weighing import Weighing
from services.linkage.matching.match import Matcher
from services.linkage.models.differences import REPORT, Differences, Fate
from services.linkage.models.registry import Registered, Registry
from services.linkage.store import LinkageStore
from shared.work import Worker


@dataclass(frozen=True, slots=True)
class Sampled:
    """Two records that a model would join or part, with the evidence as that model weighs it."""

    fate: Fate
    case: Case


@dataclass(frozen=True, slots=True)
class Outlook:
    """All models, the newest first; what the shadow among them would change, and a sample of that."""

    models: Sequence[Registered]
    differences: Differences | None
    sample: Sequence[Sampled]


class Modelling:
    """Reads the models for stewards. Who is in the sample is recorded as shown, before it is."""

    def __init__(self, worker: Worker[LinkageStore], review: Review, weighing: Weighing) -> None:
        self._worker, self._review, self._weighing = worker, review, weighing

    async def outlook(self, asker: Asker, limit: int) -> Outlook:
        """Raises ``Refused`` for who is no steward; that they asked is kept."""
        await self._review.admit(asker, "models")
        async with self._worker.work() as work:
            models = await Registry(work.connection).all()
            shadow = next((one for one in models if one.state == "shadow" and one.report), None)
            if shadow is None:
                work.audit(entries(asker, []))
                return Outlook(models, None, [])
            found = REPORT.validate_python(shadow.report)
            sample = await self._sample(work.store, asker, shadow, found, limit)
            work.audit(entries(asker, [one.case for one in sample]))
        return Outlook(models, found, sample)

    async def _sample(
        self, store: LinkageStore, asker: Asker, shadow: Registered, found: Differences, limit: int
    ) -> list[Sampled]:
        weighing = self._weighing.under(await asyncio.to_thread(lambda: Matcher(shadow.load())))
        by_fate = [[one for one in found.sample if one.fate == fate][: limit // 2] for fate in ("joined", "parted")]
        changes = [change for some in by_fate for change in some]
        sides, decided = await self._review.sides(store, asker, [(one.left, one.right) for one in changes])

        def weighed() -> list[Sampled]:
            return [
                Sampled(change.fate, case)
                for change in changes
                for case in ruled([(change.left, change.right)], sides, weighing, decided)
            ]

        return await asyncio.to_thread(weighed)
