"""Headers, error pages, static files, addresses: what every page has."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.navigation import PLACES, here, places_for
from shared.web.paths import safe_path
from shared.web.viewer import ROLES, Viewer

PAGES = [
    "/example/",
    "/example/accessibility",
    "/example/privacy",
    "/example/docs",
    "/example/signed-out",
    "/example/gone",
    "/nowhere",
]
PAGE = {"Accept": "text/html"}


@pytest.mark.parametrize("path", [*PAGES, "/example/away", "/example/broken"])
def test_every_answer_has_the_security_headers(signed_in: httpx.Client, path: str, issuer: str) -> None:
    headers = signed_in.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == f"'self' {issuer}"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_script_or_style_of_its_own(signed_in: httpx.Client, path: str) -> None:
    page = signed_in.get(path).text
    assert "<style" not in page
    assert " style=" not in page
    assert page.count("<script") == page.count('<script type="module" src=') == 1


@pytest.mark.parametrize(
    ("path", "status", "english", "welsh"),
    [
        ("/nowhere", 404, "Page not found", "Heb ddod o hyd i"),
        ("/example/gone", 404, "Page not found", "Heb ddod o hyd i"),
        ("/example/audit", 403, "You cannot do this", "Ni allwch wneud hyn"),
        ("/example/broken", 500, "Sorry, something went wrong", "aeth rhywbeth o&#39;i le"),
        ("/example/away", 503, "Sorry, part of Jigsaw is not available", "nid yw rhan o Jigsaw ar gael"),
    ],
)
def test_an_error_has_a_page_in_both_languages_and_a_problem_for_programs(
    signed_in: httpx.Client, path: str, status: int, english: str, welsh: str
) -> None:
    page = signed_in.get(path)
    assert page.status_code == status
    assert english in page.text
    assert welsh in signed_in.get(path, headers={"Accept-Language": "cy"}).text
    answer = signed_in.get(path, headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["title"] == english


def test_a_bug_tells_nobody_what_it_was(signed_in: httpx.Client) -> None:
    assert "a bug" not in signed_in.get("/example/broken").text


def test_a_part_that_is_away_says_when_to_try_again(signed_in: httpx.Client) -> None:
    assert signed_in.get("/example/away").headers["retry-after"] == "10"


def test_static_files_may_be_kept_for_ever_at_their_version_only(signed_in: httpx.Client) -> None:
    page = signed_in.get("/example/").text
    address = next(part for part in page.split('"') if part.endswith("/jigsaw.css"))
    assert signed_in.get(address).headers["cache-control"] == "public, max-age=31536000, immutable"
    version = address.split("/")[3]
    assert signed_in.get(address.replace(version, "older")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["/example/static/", "/example/static/x", "/example/static/x/../../pages.py", "/example/static/x/%2e%2e/pages.py"],
)
def test_nothing_beside_the_static_files_is_served(console: str, path: str) -> None:
    assert httpx.get(f"{console}{path}", headers=PAGE).status_code == 404


def test_the_interface_is_described_without_scripts(signed_in: httpx.Client) -> None:
    page = signed_in.get("/example/docs").text
    assert "/example/acknowledge" in page
    assert "/example/openapi.json" in page
    assert "The queue of alerts, as a page." not in page


def person(role: str) -> Viewer:
    """A viewer with the role."""
    return Viewer("1", "Name", "", role, "", "")


def test_each_role_is_shown_its_own_places() -> None:
    assert [place.path for place in places_for(person("auditor"))] == ["/scoring/", "/audit/", "/mail/"]
    assert [place.path for place in places_for(person("youth-worker"))] == ["/alerts/", "/linkage/", "/mail/"]
    assert places_for(None) == []


def test_the_log_is_shown_to_whom_it_lets_in_since_each_refusal_is_kept() -> None:
    assert [role for role in ROLES if "/audit/" in {place.path for place in places_for(person(role))}] == ["auditor"]


def test_the_place_of_a_page_is_the_nearest() -> None:
    places = list(PLACES)
    assert getattr(here(places, "/linkage/review/7"), "path", "") == "/linkage/review"
    assert getattr(here(places, "/linkage/people/7"), "path", "") == "/linkage/"
    assert here(places, "/elsewhere") is None


@given(st.text(max_size=40))
def test_a_safe_path_is_a_path_here_or_the_other_one(text: str) -> None:
    path = safe_path("/" + text, "/otherwise")
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert "\\" not in path
    assert httpx.URL("http://here.example/").join(path).host == "here.example"
