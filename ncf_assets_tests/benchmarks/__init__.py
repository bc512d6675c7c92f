"""Tests of the benchmarks, each at a small scale."""
