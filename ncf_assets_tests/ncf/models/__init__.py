"""Tests of `ncf_assets.ncf.models`."""
