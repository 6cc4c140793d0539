"""Linkage: settings → wiring → run."""

import asyncio
import sys
from functools import partial
from pathlib import Path

from services.linkage.desk import api, erasing_api, erasing_pages, pages, review_api, review_pages, subject_access
from services.linkage.desk.deciding import Review
from services.linkage.desk.desk import Desk
from services.linkage.desk.modelling import Modelling
from services.linkage.desk.viewing import Reception
from services.linkage.desk.weighing import Weighing
from services.linkage.live import LiveIndex
from services.linkage.models.registry import InUse
from services.linkage.models.switching import Switching
from services.linkage.purposes.erasing import Erasing
from services.linkage.purposes.leaving import Leaving
from services.linkage.purposes.terms import Terms
from services.linkage.rehearsal import rehearse, rehearse_apart
from services.linkage.settings import LinkageSettings
from services.linkage.standby import Standby
from services.linkage.store import LinkageStore
from services.linkage.stream import Linker
from shared.access import Agreements
from shared.initiatives import Initiatives
from shared.service import Service
from shared.web import Callers, Web
from shared.web.subject_access import router as right_of_access


def service(settings: LinkageSettings) -> Service[LinkageStore]:
    """Linkage, ready to run."""
    service = Service("linkage", settings, LinkageStore, title="Jigsaw linkage")
    seed = settings.model()
    in_use = InUse(seed)
    agreements, initiatives = Agreements.load(settings.agreements), Initiatives.load(settings.initiatives)
    terms = Terms.of(agreements, initiatives)
    index = LiveIndex(in_use, terms)
    linker = Linker(index)
    sealing_key = bytes.fromhex(settings.sealing_key.get_secret_value())
    leaving = Leaving(service.worker, index, terms, sealing_key, leads=lambda: service.hearing)
    key = settings.session_key.get_secret_value()
    reception = Reception(key, agreements, initiatives)
    weighing = Weighing(in_use.matcher, terms)
    standby = Standby(service.worker, index)
    desk = Desk(service.worker, standby, weighing)
    review = Review(service.worker, index, standby, weighing)
    erasing = Erasing(service.worker, index)
    held = subject_access.Holding(agreements, reception, sealing_key)
    web = Web("linkage", settings, Path(__file__).parent)
    modelling = Modelling(service.worker, review, weighing)
    service.before_hearing(partial(asyncio.to_thread, rehearse_apart))
    service.before_hearing(partial(asyncio.to_thread, rehearse, seed))
    service.hears(linker.link, on_abort=linker.forget, alone=True)
    service.in_background(standby.run)
    service.in_background(leaving.run)
    service.in_background(Switching(service.worker, index, in_use, lambda: service.hearing).run)
    service.answers(
        api.router(desk, reception), review_api.router(review, modelling, reception),
        pages.router(desk, reception, web), review_pages.router(review, modelling, desk, reception, web),
        erasing_api.router(erasing, review, reception), erasing_pages.router(erasing, desk, reception, web),
        right_of_access("linkage", service.worker, Callers(key, "linkage"), held),
    )  # fmt: skip
    service.shows(web)
    return service


if __name__ == "__main__":
    # Where scipy is installed, numba would load 8 MB of it for products of matrices, of which there are none here.
    sys.modules["scipy.linalg"] = None  # type: ignore[assignment]
    service(LinkageSettings()).run()
