"""Whom agreements let be joined, for which purpose, and who leaves: ended agreements and erasure."""
