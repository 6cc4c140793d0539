"""Services as processes, and the console in front of them: bytes both ways as they come."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from local.home import Home, StackError
from local.processes import Service, status, tail
from local.proxy import Console

TOY = "tests.local.toy"


def toy(home: Home, name: str = "alerts", **env: str) -> Service:
    return Service(home, name, {f"JIGSAW_{key.upper()}": value for key, value in env.items()}, TOY)


@pytest.fixture(scope="module")
def console(own_home: Home) -> str:
    toy(own_home).start()
    toy(own_home, "ingest").start()
    Console.preferred_port = None  # somebody's own console may run on this machine
    return Console(own_home).start()


def test_a_service_is_started_once_and_again_when_it_is_told_something_else(own_home: Home) -> None:
    service = toy(own_home, "scoring")
    address = service.start()
    pid = service.pid
    assert (service.start(), service.pid) == (address, pid)
    changed = toy(own_home, "scoring", colour="green")
    assert changed.start() == address
    assert changed.pid != pid
    assert httpx.get(f"{address}/alerts/state").json()["colour"] == "green"
    changed.stop()
    assert changed.pid is None


def test_a_service_that_will_not_leave_is_killed_after_its_grace(own_home: Home) -> None:
    service = toy(own_home, "linkage", temper="stubborn")
    service.grace = 1
    service.start()
    service.stop()
    assert service.pid is None


def test_a_service_that_fails_to_start_is_quoted(own_home: Home) -> None:
    with pytest.raises(StackError, match=r"(?s)audit ended while it was starting.*no batteries"):
        toy(own_home, "audit", temper="fails").start()
    assert "no batteries" in "".join(tail(own_home, "audit"))


def test_status_tells_what_runs_and_what_ended_unasked(own_home: Home) -> None:
    service = toy(own_home, "scoring")
    service.start()
    told = {row.name: row for row in status(own_home)}["scoring"]
    assert (told.answer, told.pid) == ("ready", service.pid)
    assert told.pss_mb > 5
    service.kill()
    assert "ended unasked" in {row.name: row for row in status(own_home)}["scoring"].answer


def test_no_log_under_that_name_lists_those_there_are(own_home: Home, console: str) -> None:
    with pytest.raises(StackError, match="alerts"):
        tail(own_home, "alert")


async def test_a_request_arrives_as_it_was_sent(console: str) -> None:
    headers = {"X-Forwarded-For": "6.6.6.6", "Connection": "keep-alive, X-Hop", "X-Hop": "1", "Accept-Encoding": "gzip"}
    async with httpx.AsyncClient(base_url=console) as client:
        seen = (await client.put("/alerts/a%2Fb//c?q=%20&q=2", content=b"x" * 300_000, headers=headers)).json()
        events = (await client.post("/v1/events", content=chunks())).json()
    told = dict(seen["headers"])
    assert (seen["method"], seen["target"], seen["size"]) == ("PUT", "/alerts/a%2Fb//c?q=%20&q=2", 300_000)
    assert (told["x-forwarded-for"], told["x-forwarded-proto"]) == ("127.0.0.1", "http")
    assert told["host"] == told["x-forwarded-host"] == console.removeprefix("http://")
    assert "x-hop" not in told
    assert (events["target"], events["size"]) == ("/v1/events?", 20)


async def test_a_cookie_is_kept_by_the_browser_that_it_was_given_and_by_nobody_else(console: str) -> None:
    async with httpx.AsyncClient(base_url=console) as mair, httpx.AsyncClient(base_url=console) as nobody:
        assert (await mair.get("/alerts/signs-in")).cookies["session"] == "mair's"
        assert "cookie" in dict((await mair.get("/alerts/seen")).json()["headers"])
        assert "cookie" not in dict((await nobody.get("/alerts/seen")).json()["headers"])


@pytest.mark.parametrize(
    "path", ["/alerts/../metrics", "/v1/./../metrics", "/alerts/%2e%2e/metrics", "/alerts/..%2Fmetrics"]
)
async def test_a_path_that_leads_elsewhere_is_refused(console: str, path: str) -> None:
    host, port = console.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def chunks() -> AsyncIterator[bytes]:
    for _ in range(10):
        yield b"ab"


async def test_an_event_stream_comes_at_once_and_ends_with_the_page(console: str) -> None:
    async with httpx.AsyncClient(base_url=console) as client:
        async with asyncio.timeout(5), client.stream("GET", "/alerts/stream") as stream:
            assert stream.headers["x-of"] == "toy"
            assert await anext(stream.aiter_raw()) == b"data: first\n\n"
        async with asyncio.timeout(5):
            assert (await client.get("/alerts/left")).json() == {"left": True}


async def test_an_answer_that_breaks_off_is_seen_to(own_home: Home, console: str) -> None:
    async with httpx.AsyncClient(base_url=console) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/alerts/breaks-off")
    toy(own_home).start()


async def test_a_service_that_is_away_is_named(own_home: Home, console: str) -> None:
    async with httpx.AsyncClient(base_url=console) as client:
        page = await client.get("/linkage/", headers={"Accept": "text/html", "Accept-Language": "cy"})
        program = await client.get("/linkage/")
    assert (page.status_code, program.status_code) == (502, 502)
    assert "Nid yw&#39;r gwasanaeth linkage yn ateb" in page.text
    assert program.json()["service"] == "linkage"


async def test_the_console_starts_at_alerts_and_knows_no_other_paths(console: str) -> None:
    async with httpx.AsyncClient(base_url=console) as client:
        assert (await client.get("/")).headers["location"] == "/alerts/"
        assert (await client.get("/audit")).headers["location"] == "/audit/"
        assert (await client.get("/metrics")).status_code == 404
        assert (await client.get("/health/ready")).json() == {"service": "console"}


async def test_a_client_that_leaves_in_the_middle_of_its_request_harms_nobody(console: str) -> None:
    host, port = console.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(b"POST /alerts/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this")
    async with httpx.AsyncClient(base_url=console) as client:
        assert (await client.get("/alerts/state")).status_code == 200
