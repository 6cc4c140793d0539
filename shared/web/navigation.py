"""The console's places: which service has which page, and who is shown the way there."""

from dataclasses import dataclass

from shared.web.language import N_
from shared.web.viewer import PRACTITIONER, Viewer

EVERYBODY = frozenset[str]()


@dataclass(frozen=True)
class Place:
    """A link in the header. ``kinds`` empty: everybody. Hiding a link protects nothing: each page checks for itself."""

    path: str
    title: str
    kinds: frozenset[str]

    def shown_to(self, viewer: Viewer) -> bool:
        """Whether the viewer's kind of role has this place."""
        return not self.kinds or viewer.kind in self.kinds


PLACES = (
    Place("/alerts/", N_("Alerts"), frozenset({PRACTITIONER, "supervisor"})),
    Place("/linkage/", N_("People search"), frozenset({PRACTITIONER, "supervisor", "steward"})),
    Place("/linkage/review", N_("Review desk"), frozenset({"steward"})),
    Place("/scoring/", N_("Initiatives"), frozenset({"supervisor", "analyst", "auditor"})),
    Place("/ingest/", N_("Partners"), frozenset({"partner", "operator", "supervisor", "analyst", "steward"})),
    Place("/audit/", N_("Audit"), frozenset({"auditor"})),
    Place("/mail/", N_("Mail"), EVERYBODY),
)


def places_for(viewer: Viewer | None) -> list[Place]:
    """The places of a viewer, in the order of the header; none before signing in."""
    return [place for place in PLACES if place.shown_to(viewer)] if viewer else []


def here(places: list[Place], path: str) -> Place | None:
    """The place a path is in: the one with the longest common beginning."""
    return max(
        (place for place in places if path.startswith(place.path)), key=lambda place: len(place.path), default=None
    )
