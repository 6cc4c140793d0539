"""Events as the housing partner would send them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4


def event(**changes: Any) -> dict[str, Any]:
    """A good event, new each time, with what the test changes; ``None`` takes an attribute away."""
    made = {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": "/partners/housing",
        "type": "housing.arrears.v1",
        "time": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
        "data": {"person": person(), "facts": {"weeks": 6}},
    } | changes
    return {name: value for name, value in made.items() if value is not None}


def person(**changes: Any) -> dict[str, Any]:
    return {"id": "T-1", "given": "Fred", "family": "Smith", "birth_date": "03/04/1990", **changes}
