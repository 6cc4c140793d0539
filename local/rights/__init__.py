"""The rights of the people whom records are about, from a terminal."""
