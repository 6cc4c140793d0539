"""Nothing lost, nothing done twice, whatever goes wrong: ``jigsaw bench faults [ROUNDS]``.

Each round publishes a region's events while one harm is done, waits until nothing moves, and reconciles what partners
hold receipts for with every service (local/reconcile.py) and with a fresh count of every record (local/recount.py).
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from bench import harm
from bench.stack import Stack, fresh_stack, say
from local.publisher import Publisher
from local.reconcile import Reconciliation, reconcile
from local.recount import miscounted
from local.stack import dsns
from region import Event, generate

HARMS: dict[str, harm.Harm] = {
    "kill -9 of services": harm.kill_services,
    "SIGTERM of services": harm.end_services,
    "SIGSTOP of services": harm.freeze_services,
    "kill -9 of the broker": harm.kill_broker,
    "database restarted": harm.restart_database,
    "rebalance": harm.rebalance,
    "poison": harm.poison,
    "sent twice, shuffled": harm.none,
}
PEOPLE = 400
POST = 50
PATIENCE = 120.0


@dataclass(frozen=True)
class Round:
    """One harm and its account. ``times``: how often the harm was done; ``miscounted``: records counted wrong."""

    name: str
    times: int
    account: Reconciliation
    miscounted: int
    buried: int
    seconds: float

    @property
    def lost(self) -> int:
        return (
            self.account.not_received
            + self.account.not_linked
            + self.account.not_scored
            + self.account.unsent
            + self.account.unheard
        )

    @property
    def duplicated(self) -> int:
        return self.account.claimed_twice + self.account.twice_alerted + self.account.misplaced + self.miscounted


class Trial:
    """A stack to harm. Its partners keep their receipts over all rounds, so every account covers everything so far."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._events: dict[tuple[str, str], Event] = {}
        self._publisher = Publisher(stack.up.services["ingest"], stack.keys)
        self._buried = 0

    async def round(self, name: str, seed: int) -> Round:
        began, chance, over = perf_counter(), random.Random(seed), asyncio.Event()
        harming = asyncio.ensure_future(HARMS[name](self._stack, over, chance))
        try:
            await self._publish(seed, chance, twice=name == "sent twice, shuffled")
        finally:
            over.set()
        times = await harming
        self._buried += times if name == "poison" else 0
        account = await self._settled()
        accepted = [
            self._events[key] for key, verdict in self._publisher.receipts.verdicts.items() if verdict == "accepted"
        ]
        wrong = await miscounted(dsns(self._stack.home, self._stack.up.parts)["scoring"], accepted)
        return Round(name, times, account, wrong, account.dead - self._buried, round(perf_counter() - began, 1))

    async def _publish(self, seed: int, chance: random.Random, *, twice: bool) -> None:
        events = [_of_round(event, seed) for event in generate(seed=seed, people=PEOPLE).events]
        for event in events:
            self._events.setdefault((event.partner, event.id), event)
        wire = [(event.partner, event.cloudevent()) for event in events]
        if twice:
            wire *= 2
            chance.shuffle(wire)
        await self._publisher.post_all(wire, size=POST, progress=lambda n: None)

    async def _settled(self) -> Reconciliation:
        """The account once nothing moves any more; or as it is when patience ends."""
        deadline = perf_counter() + PATIENCE
        while True:
            account = await self._account()
            if account.is_settled(self._buried) or perf_counter() > deadline:
                return account
            await asyncio.sleep(0.5)

    async def _account(self) -> Reconciliation:
        return await reconcile(
            dsns(self._stack.home, self._stack.up.parts),
            self._stack.up.parts.kafka,
            held=self._publisher.receipts.accepted,
        )


def _of_round(event: Event, seed: int) -> Event:
    """The same event with ids of its own: every seed's region numbers from one."""

    def renamed(part: Any) -> Any:
        return {**part, "id": f"{seed}-{part['id']}"} if isinstance(part, dict) and "id" in part else part

    data = {name: renamed(part) for name, part in event.data.items()} if isinstance(event.data, dict) else event.data
    return replace(event, id=f"{seed}-{event.id}" if event.id else "", data=data)


def benchmark(arguments: Sequence[str], quick: bool) -> dict[str, Any]:
    return asyncio.run(_soaked(1 if quick else int(arguments[0]) if arguments else 5))


async def _soaked(times: int) -> dict[str, Any]:
    done: list[Round] = []
    async with fresh_stack() as stack:
        trial = Trial(stack)
        for number in range(times):
            for name in HARMS:
                done.append(await trial.round(name, seed=100 + len(done)))
                said = f"lost {done[-1].lost}, done twice {done[-1].duplicated}, {done[-1].seconds} s"
                say(f"round {number + 1}: {name} ×{done[-1].times}: {said}")
    return {
        "runs": len(done),
        "harms": sum(one.times for one in done),
        "accepted": done[-1].account.accepted,
        "lost": sum(one.lost for one in done),
        "duplicated": sum(one.duplicated for one in done),
        "undetected": sum(abs(one.buried) for one in done),
    }
