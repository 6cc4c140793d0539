"""How the OpenAPI documents tell of refusals: each is problem+json (errors.py)."""

from collections.abc import Mapping
from typing import Any

NOBODY = "Nobody is signed in, and no service token speaks for anybody."
"""401, wherever a person asks or is spoken for."""
Responses = dict[int | str, dict[str, Any]]


def problems(refusals: Mapping[int, str]) -> Responses:
    """For a route's ``responses``: by status, when it is answered."""
    return {
        status: {"description": when, "content": {"application/problem+json": {}}} for status, when in refusals.items()
    }
