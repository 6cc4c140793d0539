"""``python -m region --seed 1``: what is in a region, in figures; ``--export FOLDER`` also writes it to files."""

from argparse import ArgumentParser
from collections import Counter
from datetime import date
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

from region import START, Region, generate
from region.vocabulary import EXPIRED, PARTNERS


def main() -> None:
    """Generate, print, and write if asked."""
    parser = ArgumentParser(prog="python -m region", description="A synthetic region with known truth, in figures.")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another region")
    parser.add_argument("--people", type=int, default=20_000, help="how many people, at least 100")
    parser.add_argument("--days", type=int, default=90, help="how many days of events, at least 7")
    parser.add_argument("--start", type=date.fromisoformat, default=START, help="the first day, YYYY-MM-DD")
    parser.add_argument("--export", type=Path, metavar="FOLDER", help="write a CSV and JSON Lines a partner there")
    asked = parser.parse_args()
    began = perf_counter()
    region = generate(asked.seed, asked.people, asked.days, asked.start)
    took = perf_counter() - began
    console = Console()
    console.print(_sent(region))
    console.print(_inside(region, took))
    if asked.export:
        written = region.export(asked.export, ("csv", "jsonl"))
        console.print(f"{len(written)} files in {asked.export}")


def _sent(region: Region) -> Table:
    """Events by partner and verdict."""
    counts = Counter((e.partner, x.verdict) for e, x in zip(region.events, region.expected, strict=True))
    people = Counter(partner for partner, _ in region.truth.people)
    table = Table(title="Events sent, and what must become of them")
    for column in ("partner", "events", "accepted", "duplicate", "rejected", "records of people"):
        table.add_column(column, justify="left" if column == "partner" else "right")
    for partner in (*PARTNERS, "all"):
        named = list(PARTNERS) if partner == "all" else [partner]
        verdicts = [sum(counts[name, verdict] for name in named) for verdict in ("accepted", "duplicate", "rejected")]
        figures = (sum(verdicts), *verdicts, sum(people[name] for name in named))
        table.add_row(partner, *(f"{figure:,}" for figure in figures), end_section=partner == EXPIRED)
    return table


def _inside(region: Region, took: float) -> Table:
    """The people, what changes, and the truth."""
    world = region.world
    reasons = Counter(x.reason for x in region.expected if x.reason)
    became = sum(outcome.neet for outcome in region.outcomes.values())
    kinds = Counter(household.kind for household in world.households)
    known = Counter(region.truth.people.values())
    shared = sum(records > 1 for records in known.values())
    rows = {
        "people": f"{len(world.people):,} in {len(world.households):,} households",
        "households": ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common()),
        "addresses": f"{sum(1 for _ in world.gazetteer):,}",
        "businesses": f"{len(world.organisations):,}",
        "moves, new names": f"{len(world.history.moves):,}, {len(world.history.names):,}",
        "people known to partners": f"{len(known):,}, of them {shared:,} by several records",
        "pupils": f"{len(region.pupils):,}; of {len(region.outcomes):,} in years 9 to 13, {became} become NEET",
        "rejected because": ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common()),
        "generated in": f"{took:.1f} s",
    }
    table = Table(title=f"Region {world.seed}: {world.days} days from {world.start}", show_header=False)
    for name, value in rows.items():
        table.add_row(name, value)
    return table


if __name__ == "__main__":
    main()
