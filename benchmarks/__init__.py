"""Measure the project: each benchmark runs both sides at once and prints one JSON object last.

The figures of past runs are in docs/benchmarks.md.
"""
