"""Tests of `ncf_assets.ingest`."""
