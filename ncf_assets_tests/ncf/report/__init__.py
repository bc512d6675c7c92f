"""Tests of the report, a file per module; what they share is in `drawn`."""
