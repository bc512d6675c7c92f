"""Test the benchmarks, each at a small scale."""
