"""The right of access, from a terminal."""
