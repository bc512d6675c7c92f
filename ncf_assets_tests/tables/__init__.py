"""Tests of `ncf_assets.tables`."""
