"""Fixtures that start real parts, for every test that names them."""

from tests.parts import home, parts, topics

__all__ = ["home", "parts", "topics"]
