"""Licensing, food inspection and trading standards: businesses, who runs them, and houses let to many."""

from collections.abc import Iterator

from region.happenings.window import Happening, Window

_FOOD = ("takeaway", "restaurant", "pub", "shop")


def happen(window: Window) -> Iterator[Happening]:
    """Applications, inspections, complaints."""
    yield from _licensing(window)
    yield from _food(window)
    yield from _trading(window)


def _licensing(window: Window) -> Iterator[Happening]:
    rng, world = window.rng("licensing"), window.world
    licensed = [
        business for business in world.organisations if business.trade in ("pub", "restaurant", "takeaway", "shop")
    ]
    for day, business in window.occurrences(rng, licensed, lambda business: 0.5):
        facts = {
            "kind": rng.choice(("alcohol", "late refreshment", "music", "outdoor tables")),
            "variation": rng.random() < 0.3,
        }
        yield Happening(day, "licensing.application.v1", facts, business.owner, business.place, business)
    landlords = [business for business in world.organisations if business.trade == "letting"] or world.organisations
    shared = [household for household in world.households if household.kind == "shared_house"]
    for day, household in window.occurrences(rng, shared, lambda household: 0.6):
        let = {"occupants": len(household.members), "storeys": rng.randrange(1, 4), "licensed": rng.random() < 0.7}
        yield Happening(day, "licensing.hmo.v1", let, rng.choice(landlords).owner, household.place)
    drivers = [
        person for person in world.people if person.vehicle and person.occupation in ("lorry driver", "unemployed")
    ]
    for day, person in window.occurrences(rng, drivers, lambda person: 0.35):
        badge = {"kind": rng.choice(("hackney carriage", "private hire")), "renewed": window.date(day).isoformat()}
        yield Happening(day, "licensing.taxi.v1", badge, person)


def _food(window: Window) -> Iterator[Happening]:
    rng = window.rng("food")
    kitchens = [business for business in window.world.organisations if business.trade in _FOOD]
    for day, business in window.occurrences(rng, kitchens, lambda business: 1.1):
        rating = rng.choices(range(6), (1, 3, 4, 12, 25, 55))[0]
        facts = {
            "rating": rating,
            "hygiene": 5 * rng.randrange(0, 6 - rating),
            "structure": 5 * rng.randrange(0, 6 - rating),
            "management": 5 * rng.randrange(0, 6 - rating),
            "follow_up": rating < 3,
        }
        yield Happening(day, "food.inspection.v1", facts, business.owner, business.place, business)
    for day, business in window.occurrences(rng, kitchens, lambda business: 0.4):
        complaint = {
            "category": rng.choice(("illness", "foreign object", "pests", "labelling")),
            "upheld": rng.random() < 0.3,
        }
        yield Happening(day, "food.complaint.v1", complaint, None, None, business)


def _trading(window: Window) -> Iterator[Happening]:
    rng, world = window.rng("trading"), window.world
    for day, business in window.occurrences(rng, world.organisations, lambda business: 0.8):
        facts = {
            "category": rng.choice(("weights", "counterfeit", "age sales", "pricing")),
            "breach": rng.random() < 0.2,
        }
        yield Happening(day, "trading.inspection.v1", facts, None, business.place, business)
    grown = [person for person in world.people if person.nino]
    for day, person in window.occurrences(rng, grown, lambda person: 0.012):
        complaint = {
            "category": rng.choice(("rogue trader", "scam", "faulty goods")),
            "amount": rng.randrange(20, 4000),
        }
        yield Happening(day, "trading.complaint.v1", complaint, person, None, rng.choice(world.organisations))
