"""Whether a log is what it was: pure, fed with rows in their order, names each row that is not.

Three things must agree: each row with its own leaf (and, with the sealing key, with the payload sealed in it); the
leaves with the root of each signed checkpoint; the checkpoints with those that the witness keeps. After a fault the
examination goes on from the next checkpoint that can be trusted, so that one changed row does not hide another.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from services.audit.checkpoint import BadNote, Checkpoint, Verifier
from services.audit.domain import Broken, Entry, Key, agreed, leaf_of, opened, tells_erasure_of
from services.audit.merkle import HASH_BYTES, Frontier, Node

MOST_FAULTS = 1000
MISSING = bytes(HASH_BYTES)


class Fault(NamedTuple):
    """``where`` is a table and the key of its row, or ``witness``."""

    where: str
    what: str


class CheckpointRow(NamedTuple):
    size: int
    note: str
    frontier: bytes


@dataclass
class Examination:
    """Feed ``checkpoints`` ahead of the entries they cover, ``keys`` before the entries sealed under them.

    ``covered`` is how many entries signed checkpoints speak for; ``witnessed`` what the witness keeps, by size;
    ``subtrees`` what the table of that name has. ``contents``: ``keys`` can be opened, so payloads are compared too.
    """

    verifier: Verifier
    covered: int
    witnessed: Mapping[int, Checkpoint]
    subtrees: dict[Node, bytes]
    contents: bool
    checkpoints: deque[CheckpointRow] = field(default_factory=deque)
    keys: dict[int, Key] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    done: int = 0
    unreadable: dict[int, int] = field(default_factory=dict)
    unread: int = 0
    told: dict[int, int] = field(default_factory=dict)
    _frontier: Frontier = field(default_factory=Frontier)
    _leaves: list[bytes] = field(default_factory=list)
    _broken: bool = False
    _previous: int = 0
    _boundaries: deque[int] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._boundaries = deque(sorted(self.witnessed))

    def fault(self, where: str, what: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(where, what))

    def take(self, rows: Sequence[Entry]) -> None:
        """The next entries, by their number."""
        for row in rows:
            if row.seq < self.done or row.seq >= self.covered:
                self.fault(f"entries {row.seq}", "inserted: no signed checkpoint covers it")
                continue
            if row.seq > self.done:
                self._missing(row.seq)
            self._leaves.append(self._leaf(row))
            self._advance()

    def finish(self) -> None:
        """After the last row."""
        if self.done < self.covered:
            self._missing(self.covered)
        for row in self.checkpoints:
            self._opened(row)
        if self._previous < self.covered:
            self.fault(f"checkpoints {self.covered}", "removed: the witness saw it")
        for node in self.subtrees:
            self.fault(f"subtrees {node.height}/{node.place}", "inserted: the tree has no such complete subtree")

    def _missing(self, until: int) -> None:
        last = f"–{until - 1}" if until - self.done > 1 else ""
        self.fault(f"entries {self.done}{last}", "removed: checkpoints were signed over them")
        self._broken = True
        while self.done < until:
            self._leaves.append(MISSING)
            self._advance()

    def _advance(self) -> None:
        self.done += 1
        if (self.checkpoints and self.checkpoints[0].size <= self.done) or (
            self._boundaries and self._boundaries[0] == self.done
        ):
            self._settle()

    def _leaf(self, row: Entry) -> bytes:
        seq, at, subject, actor, commitment, stored, sealed = row
        try:
            leaf = leaf_of(seq, at, subject, actor, commitment, sealed)
            because = self._read(row) if self.contents else ""
        except Broken as error:
            leaf, because = MISSING, str(error)
        if leaf != stored or because:
            self._broken = True
            self.fault(f"entries {seq}", because or "its columns do not give its leaf")
        return leaf

    def _read(self, row: Entry) -> str:
        """What is wrong with the content, if anything is."""
        key = self.keys.get(row.subject)
        if key is None:
            self.unreadable.setdefault(row.subject, row.seq)
            self.unread += 1
            return ""
        try:
            number = tells_erasure_of(agreed(row, key, opened(row, key).payload))
        except (Broken, KeyError, orjson.JSONDecodeError) as error:
            return str(error)
        if number is not None:
            self.told[number] = row.seq
        return ""

    def _settle(self) -> None:
        """Compare the tree so far with the checkpoint of this size and with the witness's."""
        self._frontier, completed = self._frontier.extend(self._leaves)
        self._leaves = []
        for node, hash in completed:
            self._subtree(node, hash)
        while self.checkpoints and self.checkpoints[0].size <= self.done:
            row = self.checkpoints.popleft()
            checkpoint = self._opened(row)
            if checkpoint and row.size == self.done:
                self._compare(row, checkpoint)
        while self._boundaries and self._boundaries[0] == self.done:
            seen = self.witnessed[self._boundaries.popleft()]
            if seen.root != self._frontier.root() and not self._broken:
                self.fault(f"witness {seen.size}", f"saw another log: entries 0–{seen.size - 1} are not what it saw")

    def _subtree(self, node: Node, hash: bytes) -> None:
        kept = self.subtrees.pop(node, None)
        if kept is None:
            self.fault(f"subtrees {node.height}/{node.place}", "removed")
        elif kept != hash and not self._broken:
            self.fault(f"subtrees {node.height}/{node.place}", "hash: is not that of the entries below it")

    def _opened(self, row: CheckpointRow) -> Checkpoint | None:
        where, previous, self._previous = f"checkpoints {row.size}", self._previous, row.size
        try:
            checkpoint = self.verifier.open(row.note or "")
        except BadNote as error:
            self.fault(where, f"note: {error}")
            return None
        if row.note.count("\n— ") > 1:
            self.fault(where, "note: somebody added a signature")
        if checkpoint.size != row.size:
            self.fault(where, f"size: the note is of {checkpoint.size} entries")
            self._previous = previous
            return None
        if checkpoint.previous != previous:
            self.fault(where, f"the checkpoint before it, of {checkpoint.previous} entries, is not there")
        return checkpoint

    def _compare(self, row: CheckpointRow, checkpoint: Checkpoint) -> None:
        """Go on from the signed root, whatever came before."""
        if checkpoint.root == self._frontier.root():
            if row.frontier != self._frontier.pack():
                self.fault(f"checkpoints {row.size}", "frontier: is not that of its entries")
            self._broken = False
            return
        if not self._broken:
            entries = f"entries {checkpoint.previous}–{checkpoint.size - 1}"
            self.fault(entries, "changed, with their leaves: they do not give the root that was signed")
        anchor = _anchor(row, checkpoint)
        self._broken = anchor is None
        self._frontier = anchor or self._frontier


def _anchor(row: CheckpointRow, checkpoint: Checkpoint) -> Frontier | None:
    """The row's frontier, if it gives the signed root."""
    try:
        frontier = Frontier.unpack(row.size, row.frontier or b"")
    except ValueError:
        return None
    return frontier if frontier.root() == checkpoint.root else None
