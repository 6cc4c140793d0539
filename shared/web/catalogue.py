"""Keeps the Welsh catalogues.

``python -m shared.web.catalogue services/alerts`` adds new messages to the service's .po and lists what to translate.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

HERE = Path(__file__).parent
HEADER = "# Jigsaw in Welsh. Kept by: python -m shared.web.catalogue <folder>"
METHODS = [("**/static/**", "ignore"), ("**.py", "python"), ("**/templates/**.html", "jinja2")]
OPTIONS = {"**/templates/**.html": {"silent": "false", "trimmed": "true"}}
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}


@dataclass(frozen=True)
class Untranslated:
    """A message without Welsh, and where it is said first."""

    message: str
    place: str


def file_of(folder: Path) -> Path:
    """Where a folder's Welsh catalogue is."""
    return folder / "locale" / "cy" / "LC_MESSAGES" / "messages.po"


def said_in(folder: Path) -> Catalog:
    """Every message of the templates and Python files of a folder, with its places."""
    catalogue = _empty()
    for file, line, message, comments, context in extract_from_dir(folder, METHODS, OPTIONS, KEYWORDS):
        if message:
            catalogue.add(message, None, [(file, line)], auto_comments=comments, context=context)
    return catalogue


def translated(folder: Path) -> Catalog:
    """The folder's Welsh catalogue; an empty one where it has none."""
    if not file_of(folder).exists():
        return _empty()
    with file_of(folder).open("rb") as text:
        return read_po(text, locale="cy")


def untranslated(folder: Path) -> Iterator[Untranslated]:
    """Messages said in the folder that neither its catalogue nor the shared one has in Welsh."""
    catalogues = [translated(folder), translated(HERE)]
    for message in said_in(folder):
        if message.id and not any(_complete(catalogue, message) for catalogue in catalogues):
            yield Untranslated(_one(message), "{}:{}".format(*message.locations[0]))


def _empty() -> Catalog:
    return Catalog(
        "cy",
        header_comment=HEADER,
        project="Jigsaw",
        version="1",
        msgid_bugs_address="the project's issues",
        last_translator="Jigsaw",
        language_team="Jigsaw",
        fuzzy=False,
    )


def _one(message: Message) -> str:
    """What identifies a message: its English, in the singular."""
    return message.id if isinstance(message.id, str) else message.id[0]


def _complete(catalogue: Catalog, message: Message) -> bool:
    found = catalogue.get(_one(message), message.context)
    if found is None or found.fuzzy or not found.string:
        return False
    return isinstance(found.string, str) or all(found.string)


def update(folder: Path) -> Catalog:
    """The folder's catalogue with what is new in it, and without what is no longer said or is in the shared one."""
    before, shared, after = translated(folder), translated(HERE), said_in(folder)
    after.creation_date = after.revision_date = before.creation_date  # no change of dates without another change
    for message in list(after):
        if folder.resolve() != HERE and message.id and _complete(shared, message):
            after.delete(_one(message), message.context)
        elif known := before.get(_one(message), message.context):
            message.string = known.string
    return after


def main(folders: list[str]) -> int:
    """Update the catalogue of each folder; the exit code says whether something is still to be translated."""
    missing = 0
    for folder in map(Path, folders):
        catalogue = update(folder)
        file_of(folder).parent.mkdir(parents=True, exist_ok=True)
        with file_of(folder).open("wb") as text:
            write_po(text, catalogue, width=120, sort_by_file=True, omit_header=False, include_lineno=False)
        for message in untranslated(folder):
            missing += 1
            print(f"{folder}/{message.place}: {message.message}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
