"""Numbers and addresses of contact that are valid in form and belong to nobody.

- NHS numbers from the range 999, kept for synthetic data, with the modulus 11 check digit (NHS Data Dictionary).
- Telephones from Ofcom's ranges for drama. Landlines stay inside them. There are only 1,000 mobiles (07700 900000 to
  900999), so a larger region runs on in the same block, 07700 9xxxxx, which no carrier has been given.
- National Insurance numbers with prefixes that HMRC keeps for administration and gives to nobody.
- E-mail in the domains of RFC 2606; postcodes in an area, AW, that does not exist; property numbers above any in use.
"""

from collections.abc import Callable
from random import Random

_NINO_PREFIXES = ("CR", "MW", "NC", "PP", "PY", "PZ")
# Landline blocks of 1,000 that Ofcom keeps for drama, as the digits before the last three.
_LANDLINES = (
    "029 2018 0", "01632 960", "0113 496 0", "0114 496 0", "0115 496 0", "0116 496 0", "0117 496 0", "0118 496 0",
    "0121 496 0", "0131 496 0", "0141 496 0", "0151 496 0", "0161 496 0", "020 7946 0", "0191 498 0", "028 9649 6",
)  # fmt: skip
_MAIL_HOSTS = ("example.com", "example.org", "example.net", "mail.example", "post.example", "ebost.example")
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"
UPRN_BASE = 990_000_000_000


def nhs_check_digit(nine: str) -> int | None:
    """The tenth digit, or ``None`` when the nine digits cannot be an NHS number (modulus 11 gives 10)."""
    total = sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True))
    check = 11 - total % 11
    return None if check == 10 else 0 if check == 11 else check


class Numbers:
    """Draws each number at most once, so that two people share one only where the dirt says so."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._used: set[str] = set()

    def _once(self, make: Callable[[], str]) -> str:
        while (number := make()) in self._used:
            pass
        self._used.add(number)
        return number

    def nhs(self) -> str:
        """Ten digits, range 999."""

        def make() -> str:
            while True:
                nine = f"999{self._rng.randrange(10**6):06d}"
                if (check := nhs_check_digit(nine)) is not None:
                    return f"{nine}{check}"

        return self._once(make)

    def nino(self) -> str:
        """Two letters, six digits, a letter A to D."""
        return self._once(
            lambda: f"{self._rng.choice(_NINO_PREFIXES)}{self._rng.randrange(10**6):06d}{self._rng.choice('ABCD')}"
        )

    def mobile(self) -> str:
        """Eleven digits after the pattern 07700 9xxxxx."""
        return self._once(lambda: f"077009{self._rng.randrange(100_000):05d}")

    def landline(self) -> str:
        """National form with spaces. After all 16,000 are used they repeat, as in a re-let house."""
        number = f"{self._rng.choice(_LANDLINES)}{self._rng.randrange(1000):03d}"
        self._used.add(number)
        return number

    def email(self, given: str, family: str) -> str:
        """An address made of a person's name."""
        letters = [_plain(given) or "x", _plain(family) or "y"]
        joint = self._rng.choice((".", "", "_", "-"))
        shape = self._rng.randrange(4)
        local = joint.join(letters) if shape < 2 else letters[0][0] + letters[1] if shape == 2 else letters[0]
        return self._once(
            lambda: (
                f"{local}{self._rng.choice(('', self._rng.randrange(10, 100)))}@{self._rng.choice(_MAIL_HOSTS)}"
                if shape < 3
                else f"{local}{self._rng.randrange(1000)}@{self._rng.choice(_MAIL_HOSTS)}"
            )
        )

    def vehicle(self) -> str:
        """A registration mark of the form used since 2001."""
        letters = "ABCDEFGHJKLMNOPRSTUVWXY"

        def make() -> str:
            pick = self._rng.choice
            return f"C{pick(letters)}{pick(('19', '20', '21', '22', '23', '69', '70', '71', '72'))}" + "".join(
                pick(letters) for _ in range(3)
            )

        return self._once(make)

    def pupil(self) -> str:
        """A pupil number: a letter and twelve digits."""
        return self._once(lambda: f"{self._rng.choice('ABCDEFGH')}{self._rng.randrange(10**12):012d}")

    def company(self) -> str:
        """A company number of eight digits, in a range not yet reached."""
        return self._once(lambda: f"99{self._rng.randrange(10**6):06d}")

    def inward(self) -> str:
        """The second half of a postcode: a digit and two of the letters that postcodes use."""
        return f"{self._rng.randrange(1, 10)}{self._rng.choice(_INWARD)}{self._rng.choice(_INWARD)}"


def _plain(name: str) -> str:
    """Lower case ASCII letters of a name; what a mail address keeps of it."""
    table = str.maketrans("âáàäãêéèëîíïôóöõûúüŵŷłńśźżąęćñç", "aaaaaeeeeiiioooouuuwylnszzaecnc")
    return "".join(letter for letter in name.lower().translate(table) if letter.isascii() and letter.isalpha())
