"""What the demo says at the end."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table

from local.reconcile import Reconciliation
from local.truth import PeopleFound


@dataclass(frozen=True)
class Summary:
    """``p50_s`` and ``p99_s``: from a partner's event being accepted to alerts having committed what follows from it;
    during a burst they say how long the queue was. ``audit``: a sentence, and whether the log is whole."""

    answers: Mapping[str, int]
    reasons: Mapping[str, int]
    account: Reconciliation
    people: PeopleFound
    scores: int
    alerts: int
    p50_s: float
    p99_s: float
    events_per_s: float
    audit: tuple[str, bool]

    @property
    def is_whole(self) -> bool:
        return self.account.is_whole and self.audit[1]


def shown(summary: Summary) -> Table:
    """As a table for people."""
    people, account = summary.people, summary.account
    table = Table(title="What became of 90 days", show_header=False, title_justify="left")
    table.add_row("events", _listed(summary.answers))
    table.add_row("rejected because", _listed(summary.reasons, most=6))
    table.add_row("lost, done twice", _faults(account))
    table.add_row("people", f"{people.records:,} records → {people.entities:,} people (truth: {people.true:,})")
    table.add_row(
        "against the truth",
        f"pairs: precision {people.precision:.4f}, recall {people.recall:.4f}, F1 [bold]{people.f1:.4f}[/bold]",
    )
    table.add_row("scored", f"{summary.scores:,} people")
    table.add_row("alerts", f"{summary.alerts:,} open")
    table.add_row(
        "accepted → alert", f"p50 {summary.p50_s:.2f} s, p99 {summary.p99_s:.2f} s (at full speed, queues included)"
    )
    table.add_row("speed", f"{summary.events_per_s:,.0f} events/s through all five services")
    table.add_row("audit log", summary.audit[0])
    return table


def _listed(counts: Mapping[str, int], most: int = 10) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1])[:most]
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in ordered) or "none"


def _faults(account: Reconciliation) -> str:
    if account.is_whole:
        return f"[green]nothing[/green]: all {account.accepted:,} accepted events are in every service once"
    return f"[red]{account}[/red]"
