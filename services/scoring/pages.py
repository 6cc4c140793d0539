"""Pages about initiatives: what they are for, what they run on, how their scores lie. None is about a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import HTMLResponse

from services.scoring.judging import Running
from services.scoring.store import Counts, ScoringStore
from services.scoring.viewing import OF_INITIATIVES
from shared.initiatives import Thresholds
from shared.web import N_, Viewer, Web
from shared.work import Worker

BINS = 20
FEWEST = 5
"""No smaller number of people is shown, and every number is rounded down to a multiple of it: otherwise what is not
shown would be the total less the rest."""
WIDTH, HEIGHT = 600, 160
PRODUCTS = {
    "alert": N_("Alerts"),
    "list": N_("A list"),
    "map": N_("A map"),
    "hotspots": N_("Hot spots"),
    "single_view": N_("A single view"),
    "dashboard": N_("A dashboard"),
    "profile": N_("A profile"),
    "allocation": N_("An allocation"),
    "forecast": N_("A forecast"),
    "drivers": N_("Drivers"),
    "report": N_("A report"),
}
KINDS = {"person": N_("People"), "place": N_("Places"), "organisation": N_("Organisations")}


@dataclass(frozen=True, slots=True)
class Bar:
    """One twentieth of 0–1; ``entities`` in whole fives. ``x``, ``y``, ``width`` and ``height`` in the picture's units;
    heights go by the square root of the count, so that a few can be seen beside many."""

    low: float
    high: float
    entities: int
    opens: bool
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the scores of an initiative lie."""

    bars: Sequence[Bar]
    raise_x: float


def in_fives(number: int) -> int:
    """0 stands for fewer than five."""
    return number - number % FEWEST


def distribution(counts: Mapping[int, int], thresholds: Thresholds) -> Distribution:
    """``counts``: entities by twentieth, 1–20."""
    most, width = in_fives(max(counts.values(), default=0)) or 1, WIDTH / BINS
    bars = []
    for number in range(1, BINS + 1):
        entities = in_fives(counts.get(number, 0))
        height = HEIGHT * (entities / most) ** 0.5
        low, high = (number - 1) / BINS, number / BINS
        x = (number - 1) * width
        bars.append(Bar(low, high, entities, low >= thresholds.raise_at, x + 1, HEIGHT - height, width - 2, height))
    return Distribution(bars, WIDTH * thresholds.raise_at)


def router(worker: Worker[ScoringStore], web: Web, running: Sequence[Running]) -> APIRouter:
    """The routes."""
    routes = APIRouter(include_in_schema=False)
    by_name = {one.name: one for one in running}

    @routes.get("/scoring/")
    async def initiatives(request: Request, person: Annotated[Viewer, Depends(OF_INITIATIVES)]) -> HTMLResponse:
        async with worker.work() as work:
            found = {name: await work.store.counts(name, one.initiative.thresholds) for name, one in by_name.items()}
        counts = {name: _in_fives(exact) for name, exact in found.items()}
        return web.render(request, "initiatives.html", running=running, counts=counts, products=PRODUCTS)

    @routes.get("/scoring/initiatives/{name}")
    async def initiative(
        request: Request, name: str, person: Annotated[Viewer, Depends(OF_INITIATIVES)]
    ) -> HTMLResponse:
        one = by_name.get(name)
        if one is None:
            raise HTTPException(404)
        thresholds = one.initiative.thresholds
        async with worker.work() as work:
            counts = _in_fives(await work.store.counts(name, thresholds))
            spread = distribution(await work.store.distribution(name), thresholds)
        return web.render(
            request, "initiative.html", one=one, statement=one.initiative.statement, counts=counts, spread=spread,
            products=PRODUCTS, kinds=KINDS, width=WIDTH, height=HEIGHT,
        )  # fmt: skip

    return routes


def _in_fives(exact: Counts) -> Counts:
    return Counts(in_fives(exact.scored), in_fives(exact.above), in_fives(exact.between))
