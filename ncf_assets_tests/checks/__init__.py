"""Tests of `ncf_assets.checks`."""
