"""Tests of `ncf_assets.cli`."""
