"""Tests of `ncf_assets.warehouse`."""
