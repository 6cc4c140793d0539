"""The answer to somebody who asked what is held of them, as a page that needs nothing else."""

import re
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.web import N_, catalogue
from shared.web import Language as Spoken
from shared.web.language import languages
from shared.web.templating import environments

if TYPE_CHECKING:
    from local.subject_access.collecting import Answer

HERE = Path(__file__).parent
CHAPTERS = {
    "linkage": N_("Who you are: what partners say of you"),
    "scoring": N_("What is worked out about you"),
    "alerts": N_("When people were told that you may need attention"),
    "audit": N_("What was done with your data, and for what"),
    "ingest": N_("Where the data comes in"),
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def page(answer: "Answer") -> str:
    """In the language of the request, nothing in it from elsewhere."""
    spoken = languages([HERE / "locale", catalogue.HERE / "locale"])
    code = answer.request.language
    template = environments([HERE / "templates"], spoken, "", "")[code].get_template("answer.html")
    return template.render(
        answer=answer, chapters={name: spoken[code].gettext(title) for name, title in CHAPTERS.items()},
        answers=[one.model_dump(mode="json") for one in answer.answers],
        language=spoken[code], shown=lambda value: shown(value, spoken[code]),
    )  # fmt: skip


def shown(value: Any, spoken: Spoken) -> str:
    """A value as people read it."""
    match value:
        case None | "" | []:
            return "–"
        case bool():
            return spoken.gettext(N_("Yes") if value else N_("No"))
        case int() | float():
            return spoken.number(round(value, 3))
        case list():
            return "; ".join(shown(one, spoken) for one in value)
        case str() if MOMENT.fullmatch(value):
            return spoken.moment(datetime.fromisoformat(value))
        case str() if DAY.fullmatch(value):
            return spoken.day(date.fromisoformat(value))
    return str(value)
