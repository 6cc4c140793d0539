"""Checkpoints: what the log was at one moment, signed, in the text format that independent tools read.

Sources: C2SP signed-note v1.0.0 (text, blank line, ``— name base64(key id ‖ signature)``; the key id is the first four
bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)) and C2SP tlog-checkpoint v1.0.0 (origin, size, root, extensions).
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.audit.merkle import HASH_BYTES

ED25519 = b"\x01"
SEED_BYTES = 32
TEXT = re.compile(
    r"(?P<origin>[^\n]+)\n(?P<size>\d+)\n(?P<root>\S+)\nprevious (?P<previous>\d+)\ntime (?P<at>\S+)\n", re.ASCII
)
SIGNATURE = re.compile(r"— (?P<name>\S+) (?P<signed>\S+)\n")
SIGNATURES = re.compile(r"(?:— \S+ \S+\n)+")
NOTE = re.compile(r"^[^\n—]+\n\d+\n\S+\n(?:[^\n—]+\n)*\n(?:— \S+ \S+\n)+", re.MULTILINE)
"""One note in a file of them; what a crash cut off is not one."""


class BadNote(ValueError):
    """Not a checkpoint of this log: not in the format, changed, or signed by another key. The message says which."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log had ``size`` entries and this ``root`` at ``at``; the checkpoint before had ``previous`` entries.

    ``previous`` and ``at`` are extension lines: the first chains the checkpoints, so one cannot be taken out unseen.
    """

    origin: str
    size: int
    root: bytes
    previous: int
    at: datetime

    def text(self) -> str:
        """What is signed."""
        root = b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\nprevious {self.previous}\ntime {self.at.isoformat()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """What ``text`` made. Raises ``BadNote``."""
        found = TEXT.fullmatch(text)
        if found is None:
            raise BadNote("the text is not origin, size, root, previous and time on a line each")
        try:
            root = b64decode(found["root"], validate=True)
            checkpoint = cls(found["origin"], int(found["size"]), root, int(found["previous"]), _time(found["at"]))
        except ValueError as error:
            raise BadNote(f"the text cannot be read: {error}") from error
        if len(root) != HASH_BYTES or checkpoint.text() != text:
            raise BadNote("the text is not in its one canonical form")
        return checkpoint


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return at


class Signer:
    """Signs for one log. ``origin`` names it for ever; ``seed`` is the Ed25519 private key of RFC 8032, 32 bytes."""

    def __init__(self, origin: str, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"JIGSAW_CHECKPOINT_KEY has {len(seed)} bytes, not {SEED_BYTES}: openssl rand -hex 32")
        self.origin = origin
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._key.public_key().public_bytes_raw()
        self._key_id = key_id(origin, public)
        self.verifier_key = f"{origin}+{self._key_id.hex()}+{b64encode(ED25519 + public).decode()}"

    def sign(self, checkpoint: Checkpoint) -> str:
        """The signed note."""
        text = checkpoint.text()
        signed = b64encode(self._key_id + self._key.sign(text.encode())).decode()
        return f"{text}\n— {self.origin} {signed}\n"


class Verifier:
    """Opens notes of one log, by its public verifier key ``name+key id in hex+base64(0x01 ‖ public key)``."""

    def __init__(self, verifier_key: str) -> None:
        try:
            name, id, encoded = verifier_key.split("+", 2)
            public = b64decode(encoded, validate=True)
            self._key = Ed25519PublicKey.from_public_bytes(public[1:])
            self._key_id, self.origin = bytes.fromhex(id), name
        except ValueError as error:
            raise ValueError(f"not a verifier key (name+8 hex digits+base64): {verifier_key!r}") from error
        if public[:1] != ED25519 or self._key_id != key_id(name, public[1:]):
            raise ValueError(f"a verifier key whose id does not belong to its name and key: {verifier_key!r}")

    def open(self, note: str) -> Checkpoint:
        """The checkpoint of a note, its signature checked; others may have signed it too. Raises ``BadNote``."""
        text, _, signatures = note.partition("\n\n")
        if not SIGNATURES.fullmatch(signatures):
            raise BadNote("after the text and a blank line come signatures and nothing else")
        for line in SIGNATURE.finditer(signatures):
            if line["name"] == self.origin and self._signed(text + "\n", line["signed"]):
                checkpoint = Checkpoint.parse(text + "\n")
                if checkpoint.origin != self.origin:
                    raise BadNote(f"its origin is {checkpoint.origin!r}, not {self.origin!r}")
                return checkpoint
        raise BadNote("no signature by this log's key")

    def _signed(self, text: str, encoded: str) -> bool:
        try:
            signed = b64decode(encoded, validate=True)
            self._key.verify(signed[4:], text.encode())
        except (Base64Error, InvalidSignature):
            return False
        return signed[:4] == self._key_id and b64encode(signed).decode() == encoded


def key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def notes_in(text: str) -> list[str]:
    """The signed notes of a file, in its order."""
    return NOTE.findall(text)
