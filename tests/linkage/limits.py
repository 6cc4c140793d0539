"""A limit of a module's, so low that a state machine meets it all the time."""

from types import ModuleType
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, initialize


def limited(machine: type[RuleBasedStateMachine], module: ModuleType, name: str, limit: int) -> Any:
    """The machine, under another limit. Its first step is ``open``."""

    class Limited(machine):  # type: ignore[misc, valid-type]
        @initialize()
        def open(self) -> None:
            self._was = getattr(module, name)
            setattr(module, name, limit)
            super().open()

        def teardown(self) -> None:
            setattr(module, name, self._was)

    return Limited
