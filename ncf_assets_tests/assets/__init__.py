"""Tests of `ncf_assets.assets`."""
