"""Scoring: settings → wiring → run."""

from functools import partial
from pathlib import Path

from services.scoring import api, pages
from services.scoring.judging import load
from services.scoring.store import ScoringStore
from services.scoring.stream import Scorer
from services.scoring.subject_access import Holding
from services.scoring.sweep import Sweep
from services.scoring.viewing import Reception
from shared.access import Agreements
from shared.initiatives import Initiatives
from shared.service import Service
from shared.settings import Settings
from shared.web import Callers, Web
from shared.web.subject_access import router as right_of_access


def service(settings: Settings) -> Service[ScoringStore]:
    """Scoring, ready to run. Raises ``ValueError`` for an initiative that cannot run: it is never left out."""
    service = Service("scoring", settings, ScoringStore, title="Jigsaw scoring")
    agreements, initiatives = Agreements.load(settings.agreements), Initiatives.load(settings.initiatives)
    running = load(initiatives)
    key = settings.session_key.get_secret_value()
    reception = Reception(key, agreements)
    scorer = Scorer(running)
    sweep = Sweep(service.worker, scorer)
    web = Web("scoring", settings, Path(__file__).parent)
    service.before_hearing(partial(sweep.prepare, running))
    service.hears(scorer.hear)
    service.in_background(sweep.run)
    service.answers(
        api.router(service.worker, running, reception),
        pages.router(service.worker, web, running),
        right_of_access("scoring", service.worker, Callers(key, "scoring"), Holding(running)),
    )
    service.shows(web)
    return service


if __name__ == "__main__":
    service(Settings()).run()
