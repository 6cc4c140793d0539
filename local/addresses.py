"""Where the processes of a home answer; ports stay with their names, so an address is known before its process runs."""

from local.daemon import find, port_of
from local.home import Home
from shared.contracts import SERVICES

CONSOLE_PORT = 8080
CLIENT_ID = "jigsaw"


def console_address(home: Home) -> str:
    """The one address for people and partners."""
    return f"http://127.0.0.1:{port_of(home, 'console', CONSOLE_PORT)}"


def issuer_address(home: Home) -> str:
    """Where people sign in; also the issuer's name in what it signs."""
    return f"http://127.0.0.1:{port_of(home, 'issuer')}"


def smtp_address(home: Home) -> str:
    """Where mail is handed over: the second port of the mail process."""
    living = home.known_port("smtp") if find(home, "mail") else None
    return f"smtp://127.0.0.1:{living or home.port('smtp')}"


def service_addresses(home: Home) -> dict[str, str]:
    """Each service's own address, by name."""
    return {name: f"http://127.0.0.1:{port_of(home, name)}" for name in SERVICES}
