"""The stack's own few pages (sign-in, mailbox, "a service is away"), in the console's look, English and Welsh."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from local.home import PROJECT
from local.parts.welsh import WELSH

STATIC = PROJECT / "shared" / "web" / "static"
LANGUAGE_COOKIE = "jigsaw-language"
"""The console's own: cookies do not know ports, so the issuer and the console speak the same language."""
NAMES = {"en": "English", "cy": "Cymraeg"}


def static() -> Mount:
    """The console's style sheet, served beside the pages that use it."""
    return Mount("/static", StaticFiles(directory=STATIC))


def language(request: Request) -> str:
    """ "en" or "cy": as chosen on the page, as the console asks for, as the cookie or the browser says."""
    asked = request.query_params.get("lang") or request.query_params.get("ui_locales", "").split(" ")[0]
    wished = (asked, request.cookies.get(LANGUAGE_COOKIE), request.headers.get("Accept-Language"))
    return next((code for text in wished if (code := (text or "")[:2].lower()) in NAMES), "en")


def page(
    request: Request, template: str, status: int = 200, *, home: str = "", forms_to: str = "", **values: Any
) -> HTMLResponse:
    """A page with no script, nothing from elsewhere, kept nowhere.

    ``home``: where the name at the top leads; ``forms_to``: the origin that its form may lead on to.
    """
    code = language(request)
    other = next(name for name in NAMES if name != code)
    links = {
        "other": other,
        "other_name": NAMES[other],
        "other_address": str(request.url.include_query_params(lang=other).replace(scheme="", netloc="")),
    }
    content = _environment(code).get_template(template).render(code=code, home=home, **links, **values)
    policy = f"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {forms_to}".strip()
    headers = {
        "Content-Security-Policy": f"{policy}; frame-ancestors 'none'; base-uri 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer" if forms_to else "same-origin",
        "Cache-Control": "no-store",
        "Content-Language": code,
    }
    return HTMLResponse(content, status, headers)


def said(code: str, sentence: str) -> str:
    """The English sentence in that language."""
    return WELSH[sentence] if code == "cy" else sentence


def _environment(code: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals["_"] = lambda sentence: said(code, sentence)
    return environment
