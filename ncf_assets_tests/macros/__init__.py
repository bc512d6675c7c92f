"""Tests of `ncf_assets.macros`."""
