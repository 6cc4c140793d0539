"""``python -m shared.contracts.freeze``: freeze the schemas and the AsyncAPI document, unless a promise breaks."""

import json
import sys
from pathlib import Path

from shared.contracts.asyncapi import document
from shared.contracts.schemas import current, freeze, frozen, incompatibilities, path_of
from shared.contracts.topics import Topic

DOCUMENT = Path(__file__).parents[2] / "docs" / "asyncapi.json"


def main() -> int:
    clashes = [
        f"{topic.spec.name}: {clash}"
        for topic in Topic
        if path_of(topic).exists()
        for clash in incompatibilities(frozen(topic), current(topic))
    ]
    if clashes:
        print(*clashes, "A new reader could not read old messages: make another class, on its own topic.", sep="\n")
        return 1
    freeze()
    DOCUMENT.write_text(json.dumps(document(), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
