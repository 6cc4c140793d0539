"""Ingest: partners' events, checked against their agreements and brought to normal form."""
