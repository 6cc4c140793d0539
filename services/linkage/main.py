"""Linkage: settings → wiring → run."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from services.linkage import (
    api,
    businesses,
    erasing_api,
    erasing_pages,
    pages,
    premises,
    review_api,
    review_pages,
)  # fmt: skip
from services.linkage.deciding import Review
from services.linkage.desk import Desk
from services.linkage.erasing import Erasing
from services.linkage.index import Index
from services.linkage.leaving import Leaving
from services.linkage.live import Kinds, LiveIndex
from services.linkage.model import Model
from services.linkage.ruled import RuledIndex
from services.linkage.settings import LinkageSettings
from services.linkage.standby import Standby
from services.linkage.store import LinkageStore
from services.linkage.stream import Linker
from services.linkage.terms import Terms
from services.linkage.viewing import Reception
from services.linkage.weighing import Weighing
from shared.access import Agreements
from shared.contracts import Kind
from shared.initiatives import Initiatives
from shared.service import Service
from shared.web import Web

HERE = Path(__file__).parent


def indexes(models: Mapping[str, Model]) -> Kinds:
    """The empty indexes: people by their model, places and organisations by rules."""
    return {
        Kind.PERSON: Index(models["person"]),
        Kind.PLACE: RuledIndex(Kind.PLACE, premises.premises, premises.RULES),
        Kind.ORGANISATION: RuledIndex(Kind.ORGANISATION, businesses.business, businesses.RULES),
    }


def service(settings: LinkageSettings) -> Service[LinkageStore]:
    """Linkage, ready to run."""
    service = Service("linkage", settings, LinkageStore, title="Jigsaw linkage")
    models = {path.stem: Model.load(path.read_text()) for path in sorted(settings.linkage_models.glob("*.json"))}
    make = partial(indexes, models)
    agreements, initiatives = Agreements.load(settings.agreements), Initiatives.load(settings.initiatives)
    terms = Terms.of(agreements, initiatives)
    index = LiveIndex(make, terms)
    linker = Linker(index)
    sealing_key = bytes.fromhex(settings.sealing_key.get_secret_value())
    leaving = Leaving(service.worker, index, terms, sealing_key, leads=lambda: service.hearing)
    reception = Reception(settings.session_key.get_secret_value(), agreements, initiatives)
    weighing = Weighing(models.values(), terms)
    standby = Standby(service.worker, index, make)
    desk = Desk(service.worker, standby, weighing)
    review = Review(service.worker, index, standby, weighing)
    erasing = Erasing(service.worker, index)
    web = Web("linkage", settings, HERE)
    service.hears(linker.link, on_abort=linker.forget, alone=True)
    service.in_background(leaving.run)
    service.answers(
        api.router(desk, reception), review_api.router(review, reception), pages.router(desk, reception, web),
        review_pages.router(review, desk, reception, web), erasing_api.router(erasing, review, reception),
        erasing_pages.router(erasing, desk, reception, web),
    )  # fmt: skip
    web.mount(service.app)
    return service


if __name__ == "__main__":
    service(LinkageSettings()).run()
