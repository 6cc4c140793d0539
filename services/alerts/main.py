"""The alerts service, put together."""

from pathlib import Path

from services.alerts import api, live, pages
from services.alerts.cards import Wording
from services.alerts.casework import Casework
from services.alerts.feed import Feed
from services.alerts.mail import Postman
from services.alerts.names import Linkage
from services.alerts.purposes import Purposes
from services.alerts.settings import AlertSettings
from services.alerts.showing import Showing
from services.alerts.store import AlertStore
from services.alerts.stream import Desk
from shared.access import Agreements
from shared.initiatives import Initiatives
from shared.service import Service
from shared.web import Web


def service(settings: AlertSettings) -> Service[AlertStore]:
    """The service, ready to run."""
    made = Service("alerts", settings, AlertStore, title="Jigsaw alerts")
    initiatives, agreements = Initiatives.load(settings.initiatives), Agreements.load(settings.agreements)
    purposes, wording = Purposes(initiatives, agreements), Wording(initiatives)
    key = settings.session_key.get_secret_value()
    web = Web("alerts", settings, Path(__file__).parent)
    desk, showing = Desk(initiatives, purposes), Showing(made.worker, purposes)
    casework = Casework(made.worker, desk, showing)
    feed = Feed(made.database, settings.redis)
    postman = Postman(made.database, settings, initiatives, web.languages)
    desktop = pages.Desktop(
        made.worker, web, casework, showing, Linkage(settings.linkage_url, key, initiatives), wording
    )

    made.worker.when_committed(feed.woken)
    made.hears(desk.weigh, desk.follow)
    made.before_hearing(feed.start)
    for work in (feed.read, feed.converse, feed.tidy, postman.run):
        made.in_background(work)
    made.answers(
        api.router(made.worker, casework, showing, wording, key), live.router(desktop, feed), pages.router(desktop)
    )
    web.mount(made.app)
    return made


if __name__ == "__main__":
    service(AlertSettings()).run()
