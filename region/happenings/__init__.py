"""What happens in the region, day by day, before anybody writes it down."""

from collections.abc import Iterator

from region.happenings import care, homes, safety, schools, trade
from region.happenings.window import Happening, Window

__all__ = ["Happening", "Window", "happen"]


def happen(window: Window) -> Iterator[Happening]:
    """Everything that happens in a window, in no order."""
    for part in (schools, homes, safety, care, trade):
        yield from part.happen(window)
