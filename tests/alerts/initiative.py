"""An initiative, as an object and as its files."""

from pathlib import Path

import yaml

from services.alerts.purposes import Purposes
from shared.access import Agreements
from shared.contracts import Kind
from shared.initiatives import (
    Act,
    Data,
    Feature,
    Initiative,
    Initiatives,
    Model,
    Product,
    Routing,
    Statement,
    Text,
    Thresholds,
)
from shared.settings import PROJECT

TITLE = Text(en="Young people who may leave education or work", cy="Pobl ifanc a allai adael addysg neu waith")
REASONS = {
    "absence_28d": Text(
        en="Missed {value:.0%} of lessons in the last four weeks",
        cy="Collodd {value:.0%} o wersi yn y pedair wythnos diwethaf",
    ),
    "exclusions_365d": Text(
        en="Excluded from school {value:.0f} times in the last year",
        cy="Gwaharddwyd o'r ysgol {value:.0f} o weithiau yn y flwyddyn ddiwethaf",
    ),
    "moves_365d": Text(
        en="Moved home {value:.0f} times in the last year", cy="Symudodd {value:.0f} o weithiau y llynedd"
    ),
    "youth_justice_90d": Text(
        en="{value:.0f} contacts with youth justice in three months",
        cy="{value:.0f} cysylltiad â chyfiawnder ieuenctid mewn tri mis",
    ),
}


def neet() -> Initiative:
    """Raises at 0.6, lowers at 0.45; two areas with a team each."""
    words = Text(en="…", cy="…")
    features = tuple(Feature(name=name, kind="count", events=("education.attendance.v1",)) for name in REASONS)
    statement = Statement(
        name="neet", purpose="neet", kind=Kind.PERSON, title=TITLE, problem=words,
        action=Act(statement=words, who=words, capacity_a_week=12),
        product=Product(kind="alert", shows=words),
        data=Data(events=("education.attendance.v1",), features=features),
        model=Model(file="model.onnx", sha256="0" * 64, card="card.yaml"),
        thresholds=Thresholds.model_validate({"raise": 0.6, "lower": 0.45}),
        routing=Routing(fact="area", teams={"north": "youth-north", "south": "youth-south"}, otherwise="youth"),
        evaluation=words,
    )  # fmt: skip
    return Initiative(statement, REASONS, {}, Path())


INITIATIVES = Initiatives([neet()])
PURPOSES = Purposes(INITIATIVES, Agreements.load(PROJECT / "agreements"))


def write(folder: Path) -> Path:
    """The initiative's files, for a service that reads them."""
    home = folder / "neet"
    home.mkdir(parents=True)
    statement = neet().statement.model_dump(mode="json", by_alias=True, exclude_none=True)
    reasons = {name: text.model_dump() for name, text in REASONS.items()}
    for name, content in (("initiative", statement), ("reasons", reasons), ("card", {"limits": "none"})):
        (home / f"{name}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    return folder
