"""Tests of `ncf_assets.orchestration`."""
