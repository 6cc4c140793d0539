"""Audit: settings → wiring → run."""

from pathlib import Path

from fastapi import Request

from services.audit import api, pages
from services.audit.checkpoint import Signer, Verifier
from services.audit.desk import Desk
from services.audit.log import Log
from services.audit.settings import AuditSettings
from services.audit.store import AuditStore
from services.audit.stream import Recorder
from services.audit.subject_access import Holding
from services.audit.watching import Inspector, Watch
from services.audit.witness import Witness
from shared.access import Agreements
from shared.initiatives import Initiatives
from shared.service import Service
from shared.web import N_, Callers, Notice, Web
from shared.web.subject_access import router as right_of_access

DISCONTINUED = Notice(N_("The audit log is not what its witness saw. Do not rely on it, and call the operator."))


def service(settings: AuditSettings) -> Service[AuditStore]:
    """Audit, ready to run."""
    service = Service("audit", settings, AuditStore, title="Jigsaw audit")
    sealing_key = bytes.fromhex(settings.sealing_key.get_secret_value())
    signer = Signer(settings.log_origin, bytes.fromhex(settings.checkpoint_key.get_secret_value()))
    verifier, log = Verifier(signer.verifier_key), Log(signer, sealing_key)
    agreements, initiatives = Agreements.load(settings.agreements), Initiatives.load(settings.initiatives)
    watch = Watch(service.worker, Witness(settings.witness, verifier), verifier)
    dsn = settings.database.get_secret_value()
    inspector = Inspector(dsn, settings.witness, signer.verifier_key, sealing_key, settings.verify_hours, watch)

    def notices(_: Request) -> list[Notice]:
        return [DISCONTINUED] if watch.discontinued else []

    web = Web("audit", settings, Path(__file__).parent, notices)
    desk = Desk(service.worker, log)
    state = pages.State(signer.verifier_key, watch, inspector, agreements)
    service.hears(Recorder(log).record, linger_ms=200)
    service.in_background(watch.run)
    service.in_background(inspector.run)
    callers = Callers(settings.session_key.get_secret_value(), "audit")
    service.answers(
        api.router(service.worker, desk, signer), pages.router(desk, web, state),
        right_of_access("audit", service.worker, callers, Holding(log, agreements, initiatives)),
    )  # fmt: skip
    service.shows(web)
    return service


if __name__ == "__main__":
    service(AuditSettings()).run()
