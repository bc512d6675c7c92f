"""Benchmarks: each runs both sides in one run and ends with its figures as one JSON object."""
