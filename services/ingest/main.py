"""Ingest: settings → wiring → run."""

from pathlib import Path
from typing import Any

from services.ingest import api, pages, reports
from services.ingest.docs import SECURITY_SCHEMES
from services.ingest.domain import Rules
from services.ingest.door import Door
from services.ingest.intake import Intake
from services.ingest.keys import Keyring
from services.ingest.quota import Quota
from services.ingest.refusal import Refusal, refused
from services.ingest.settings import IngestSettings
from services.ingest.store import IngestStore
from services.ingest.subject_access import held
from shared.access import Agreements
from shared.service import Service
from shared.web import Callers, Web
from shared.web.subject_access import router as right_of_access


def service(settings: IngestSettings) -> Service[IngestStore]:
    """Ingest, ready to run."""
    service = Service("ingest", settings, IngestStore, title="Jigsaw ingest")
    agreements = Agreements.load(settings.agreements)
    intake = Intake(service.worker)
    door = Door(Keyring(service.worker), Quota(settings.redis), intake, agreements, settings.quota_factor)
    callers = Callers(settings.session_key.get_secret_value(), "ingest")
    web = Web("ingest", settings, Path(__file__).parent)
    service.answers(
        api.router(door, intake, Rules(agreements)),
        reports.router(door, service.worker, agreements),
        pages.router(service.worker, web, agreements),
        right_of_access("ingest", service.worker, callers, held),
    )
    service.shows(web)
    service.app.add_exception_handler(Refusal, refused)
    _document_keys(service)
    return service


def _document_keys(service: Service[IngestStore]) -> None:
    """Say in the OpenAPI document how a key is shown."""
    describe = service.app.openapi

    def described() -> dict[str, Any]:
        document = describe()
        document.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
        return document

    service.app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


if __name__ == "__main__":
    service(IngestSettings()).run()
