"""Scoring as a process of its own, and those who ask it over HTTP."""

import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.stack import Parts
from shared.web import Viewer, service_token
from tests.parts import Databases
from tests.scoring.initiative import ATTENDANCE, EXCLUSION, FEATURES, MEANS, MISSING, WEIGHTS, graph, write
from tests.web.processes import KEY, PATIENCE, free_port, ready, signed_in

ENROLMENT = "education.enrolment.v1"
HIDDEN = [
    {"name": "aln", "kind": "latest", "events": [ENROLMENT], "fact": "aln"},
    {"name": "free_meals", "kind": "latest", "events": [ENROLMENT], "fact": "free_meals"},
    {"name": "school_moves", "kind": "count", "events": [ENROLMENT], "where": {"reason": ["moved"]}, "days": 84},
]
"""Made of facts that the schools' agreement, as it is shipped, shows to nobody."""
NAMES = [str(feature["name"]) for feature in [*FEATURES, *HIDDEN]]


def initiatives(folder: Path, weight: float = 1.0, without: str = "") -> Path:
    """The small initiative with the hidden features too, or ``without`` one; each weight times ``weight``."""
    columns = zip([*FEATURES, *HIDDEN], [*WEIGHTS, 3.0, 1.0, 2.0], [*MEANS, 0.0, 0.0, 0.0], strict=True)
    kept = [column for column in columns if column[0]["name"] != without]
    model = graph([weight * part for _, part, _ in kept], [mean for _, _, mean in kept])

    def widen(said: dict[str, Any]) -> None:
        events = [ATTENDANCE, EXCLUSION, MISSING, ENROLMENT]
        said["data"] = {"events": events, "features": [feature for feature, _, _ in kept]}

    return write(folder, model, widen)


@dataclass
class Served:
    """The running service."""

    address: str
    variables: Mapping[str, str]
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def client(self, viewer: Viewer | None, **headers: str) -> httpx.AsyncClient:
        """Somebody at the screen."""
        cookies = {"jigsaw": signed_in(viewer)[0]} if viewer else {}
        return httpx.AsyncClient(base_url=self.address, cookies=cookies, headers=headers, timeout=PATIENCE)

    def program(self, viewer: Viewer, **headers: str) -> httpx.AsyncClient:
        """Another service, on behalf of somebody."""
        token = service_token(KEY, "scoring", viewer, caller="alerts", purpose="neet")
        headers["Authorization"] = f"Bearer {token}"
        return httpx.AsyncClient(base_url=self.address, headers=headers, timeout=PATIENCE)

    def replica(self, **variables: str) -> str:
        """One more process of the service; its address."""
        port = str(free_port())
        self.processes.append(ready("scoring", {**self.variables, "JIGSAW_HTTP_PORT": port, **variables}))
        return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return initiatives(tmp_path_factory.mktemp("initiatives"))


@pytest.fixture(scope="module")
async def served(parts: Parts, topics: None, databases: Databases, folder: Path) -> AsyncIterator[Served]:
    """It runs what is in ``folder``."""
    variables = {
        "JIGSAW_KAFKA": parts.kafka, "JIGSAW_DATABASE": databases.dsn, "JIGSAW_REDIS": parts.redis,
        "JIGSAW_SEALING_KEY": "00" * 32, "JIGSAW_SESSION_KEY": KEY, "JIGSAW_CONSOLE": "http://scoring",
        "JIGSAW_INITIATIVES": str(folder), "JIGSAW_LOG_LEVEL": "WARNING",
    }  # fmt: skip
    served = Served("", variables)
    served.address = served.replica()
    yield served
    for process in served.processes:
        process.terminate()
    for process in served.processes:
        process.wait(PATIENCE)
