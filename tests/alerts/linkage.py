"""Answers as linkage does: ``python -m tests.alerts.linkage PORT``. Its checks of the caller are linkage's own.

A name belongs to each entity of ``PEOPLE``; the purpose "neet" lets everybody but an analyst see it.
"""

import sys
from uuid import UUID

import uvicorn
from fastapi import FastAPI, Header, Request

from shared.web import verify_service_token
from tests.alerts.examples import entity
from tests.web.processes import KEY

PEOPLE = {
    entity(1): {"given": "Rhys", "family": "Morgan", "birth_date": "2010-03-14", "postcode": "NW1 0AA"},
    entity(2): {"given": "Siân", "family": "Gruffydd", "birth_date": "2009-11-02", "postcode": "NW3 4QE"},
    entity(3): {"given": "Leah", "family": "O’Connor", "birth_date": "2010-07-21", "postcode": "NW1 2BX"},
    entity(4): {"name": "Tomos ap Rhys", "birth_date": "2008-12-30"},
    entity(5): {"given": "Amina", "family": "Hussein", "birth_date": "2009-05-05", "postcode": "NW5 1TT"},
}

app = FastAPI()


@app.post("/linkage/golden")
async def golden(request: Request, authorization: str = Header()) -> dict[str, object]:
    call = verify_service_token(KEY, "linkage", authorization.removeprefix("Bearer "))
    body = await request.json()
    assert call.caller == "alerts"
    assert call.viewer is not None
    assert call.purpose == body["purpose"] == "neet"
    known = {UUID(id): PEOPLE.get(UUID(id)) for id in body["entities"]}
    return {"entities": {str(id): {"values": values or {}, "refused": values is None} for id, values in known.items()}}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
