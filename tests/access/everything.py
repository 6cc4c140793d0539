"""Every role, purpose, agreement and fact there is: an initiative a purpose that is made of all facts, and what the
agreements show of them, read from the files by other code than the services'."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from shared.settings import PROJECT
from tests.scoring.initiative import graph, statement

ROLES = (
    "caseworker", "youth-worker", "housing-inspector", "fire-officer", "supervisor", "steward", "analyst", "auditor",
    "operator", "partner", "mayor",
)  # fmt: skip
FILES = [yaml.safe_load(path.read_text()) for path in sorted(Path(PROJECT / "agreements").glob("*.yaml"))]
PURPOSES = sorted({purpose for file in FILES for purpose in file["purposes"]})
FACTS: dict[str, set[str]] = {}
"""The facts of each type of event, by whichever agreement they come."""
for _file in FILES:
    for _event, _parts in _file["events"].items():
        FACTS.setdefault(_event, set()).update(_parts["facts"])
TEAM = "everywhere"


def slug(event: str, fact: str = "") -> str:
    return "_".join([*event.split("."), *([fact] if fact else [])])


FEATURES: list[dict[str, Any]] = [
    {"name": slug(event, fact), "kind": "count", "events": [event], "where": {fact: "…"} if fact else {}}
    for event, facts in sorted(FACTS.items())
    for fact in ("", *sorted(facts))
]
"""One a fact, and one a type of event, which is made of all its facts."""
NAMES = [feature["name"] for feature in FEATURES]


def shown(role: str, purpose: str) -> set[str] | None:
    """The features that a role may see for a purpose; ``None`` when no agreement names the two."""
    found, named = set[str](), False
    for file in FILES:
        if file["ends"] < datetime.now(UTC).date():
            continue
        for recipient in file["recipients"]:
            if (recipient["role"], recipient["purpose"]) == (role, purpose):
                named = True
                for event, parts in file["events"].items():
                    visible = set(parts["facts"]) & set(recipient["fields"])
                    found |= {slug(event, fact) for fact in visible} | ({slug(event)} if visible else set())
    return found if named else None


def write(folder: Path, before: str = "") -> Path:
    """An initiative for each purpose, called as that, with something ``before`` it where another service's tests say
    scores of the same name; one team has all its cases. Returns ``folder``."""
    columns = len(FEATURES)
    model = graph([1.0 / (column + 1) for column in range(columns)], [-1.0] * columns)
    for purpose in PURPOSES:
        said = statement(model) | {"name": before + purpose, "purpose": purpose}
        said["data"] = {"events": sorted(FACTS), "features": FEATURES}
        said["routing"] = {"fact": "area", "teams": {}, "otherwise": TEAM}
        home = folder / (before + purpose)
        home.mkdir(parents=True)
        (home / "model.onnx").write_bytes(model)
        (home / "initiative.yaml").write_text(yaml.safe_dump(said, allow_unicode=True))
        (home / "reasons.yaml").write_text(yaml.safe_dump({name: {"en": name, "cy": name} for name in NAMES}))
        (home / "card.yaml").write_text(yaml.safe_dump({"trained_on": "nothing: weights by hand"}))
    return folder
