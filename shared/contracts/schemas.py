"""The frozen JSON Schema of each topic's body, and what makes a change to it incompatible.

A change is compatible when a reader of the new contract understands every message of the old one (messages live in
their topic for its retention, and consumers are deployed first). Anything else needs a new class on a new topic.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.contracts.topics import Topic

FOLDER = Path(__file__).parent / "frozen"
Schema = dict[str, Any]


def path_of(topic: Topic) -> Path:
    return FOLDER / f"{topic.spec.body.__name__}.v1.json"


def current(topic: Topic) -> Schema:
    """The schema as the code says it now (JSON Schema 2020-12, from pydantic)."""
    return topic.spec.body.model_json_schema(mode="validation")


def frozen(topic: Topic) -> Schema:
    """The schema as it was promised."""
    schema: Schema = json.loads(path_of(topic).read_text())
    return schema


def freeze() -> None:
    """Write every schema anew. Only after ``incompatibilities`` is empty for each."""
    FOLDER.mkdir(exist_ok=True)
    for topic in Topic:
        path_of(topic).write_text(json.dumps(current(topic), indent=2, sort_keys=True) + "\n")


def incompatibilities(old: Schema, new: Schema) -> list[str]:
    """What a reader of ``new`` could not make of a message written for ``old``, as sentences; empty when nothing."""
    return list(_clashes(old, new, old.get("$defs", {}), new.get("$defs", {}), "body"))


def _clashes(old: Schema, new: Schema, old_defs: Schema, new_defs: Schema, at: str) -> Iterator[str]:
    old, new = _resolved(old, old_defs), _resolved(new, new_defs)
    if "anyOf" in old or "anyOf" in new:
        yield from _union_clashes(old, new, old_defs, new_defs, at)
        return
    if new and old.get("type") != new.get("type") and (old.get("type"), new.get("type")) != ("integer", "number"):
        yield f"{at}: was {old.get('type')}, is {new.get('type')}"
        return
    kept: list[Any] = new.get("enum") or old.get("enum") or []
    if gone := set(old.get("enum") or []) - set(kept):
        yield f"{at}: no longer takes {sorted(gone)}"
    if "enum" in new and "enum" not in old:
        yield f"{at}: no longer takes anything but {sorted(new['enum'])}"
    for name in set(new.get("required", [])) - set(old.get("required", [])):
        yield f"{at}.{name}: newly required, which old messages lack"
    for name, part in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield from _clashes(part, new["properties"][name], old_defs, new_defs, f"{at}.{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(old.get(word), dict) and isinstance(new.get(word), dict):
            yield from _clashes(old[word], new[word], old_defs, new_defs, f"{at}.{word}")


def _union_clashes(old: Schema, new: Schema, old_defs: Schema, new_defs: Schema, at: str) -> Iterator[str]:
    """Each alternative of the old union must fit one of the new."""
    for part in old.get("anyOf", [old]):
        fits = (not list(_clashes(part, other, old_defs, new_defs, at)) for other in new.get("anyOf", [new]))
        if not any(fits):
            yield f"{at}: no longer takes {part.get('type', part.get('$ref', 'that'))}"


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    reference = schema.get("$ref")
    return definitions[reference.rsplit("/", 1)[-1]] if reference else schema
