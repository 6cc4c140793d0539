"""Alerts: settings → wiring → run."""

from pathlib import Path

from services.alerts import api, live, overriding_api, overriding_pages, pages
from services.alerts.cards import Wording
from services.alerts.casework import Casework
from services.alerts.feed import Feed
from services.alerts.mail import Postman
from services.alerts.names import Linkage
from services.alerts.overriding import Overriding
from services.alerts.purposes import Purposes
from services.alerts.settings import AlertSettings
from services.alerts.showing import Showing
from services.alerts.store import AlertStore
from services.alerts.stream import Alerter
from services.alerts.subject_access import Holding
from shared.access import Agreements
from shared.initiatives import Initiatives
from shared.service import Service
from shared.web import Callers, Web
from shared.web.subject_access import router as right_of_access


def service(settings: AlertSettings) -> Service[AlertStore]:
    """Alerts, ready to run."""
    service = Service("alerts", settings, AlertStore, title="Jigsaw alerts")
    agreements, initiatives = Agreements.load(settings.agreements), Initiatives.load(settings.initiatives)
    purposes, wording = Purposes(initiatives, agreements), Wording(initiatives)
    key = settings.session_key.get_secret_value()
    callers = Callers(key, "alerts")
    web = Web("alerts", settings, Path(__file__).parent)
    alerter, showing = Alerter(initiatives, purposes), Showing(service.worker, purposes)
    casework, overriding = Casework(service.worker, alerter, showing), Overriding(service.worker, showing, settings)
    feed = Feed(service.database, settings.redis)
    postman = Postman(service.database, settings, initiatives, web.languages)
    linkage = Linkage(settings.linkage_url, key, initiatives)
    desktop = pages.Desktop(service.worker, web, casework, overriding, showing, linkage, wording)
    service.worker.when_committed(feed.woken)
    service.hears(alerter.weigh, alerter.follow)
    service.before_hearing(feed.start)
    for work in (feed.read, feed.converse, feed.tidy, postman.run, overriding.watch):
        service.in_background(work)
    service.answers(
        api.router(service.worker, casework, showing, wording, callers),
        overriding_api.router(overriding, callers),
        live.router(desktop, feed),
        overriding_pages.router(overriding, linkage, wording, web),
        pages.router(desktop),
        right_of_access("alerts", service.worker, callers, Holding(wording)),
    )
    service.shows(web)
    return service


if __name__ == "__main__":
    service(AlertSettings()).run()
