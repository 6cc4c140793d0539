"""The people of one machine: who they are from ``people.yaml``, their passwords from this home's secrets.

``python -m local.parts.people`` prints who can sign in.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from local.home import Home, StackError

FILE = Path(__file__).parent.parent / "people.yaml"


@dataclass(frozen=True)
class Person:
    """One who can sign in; ``locale`` is "en" or "cy"."""

    username: str
    name: str
    role: str
    team: str
    locale: str
    password: str

    @property
    def claims(self) -> dict[str, str]:
        """What the issuer says of them."""
        return {
            "sub": self.username,
            "name": self.name,
            "email": f"{self.username}@jigsaw.example",
            "role": self.role,
            "team": self.team,
            "locale": self.locale,
        }


def people(home: Home, file: Path = FILE) -> list[Person]:
    """Everybody who can sign in, with a password made for this home. Raises ``StackError`` for an unreadable file."""
    try:
        described = yaml.safe_load(file.read_text())["people"]
        return [Person(**each, password=_password(home, each["username"])) for each in described]
    except (KeyError, TypeError, yaml.YAMLError) as error:
        raise StackError(f"{file}: each person needs username, name, role, team and locale ({error})") from error


def matching(everybody: Mapping[str, Person], username: str, password: str) -> Person | None:
    """The person with that name and password; an unknown name takes as long as a wrong password."""
    person = everybody.get(username)
    expected = person.password if person else "nobody's"
    right = hmac.compare_digest(expected.encode(), password.encode())
    return person if right else None


def _password(home: Home, username: str) -> str:
    return home.secret(f"password of {username}", make=lambda: secrets.token_urlsafe(9))


def main() -> None:
    """Print the sign-ins of the home named by JIGSAW_HOME."""
    for person in people(Home()):
        print(f"{person.role:<18} {person.name:<20} user {person.username:<8} password {person.password}")


if __name__ == "__main__":
    main()
