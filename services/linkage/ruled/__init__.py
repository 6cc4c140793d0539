"""The identity index of places and organisations, which have numbers, addresses and names of their own. Pure."""
