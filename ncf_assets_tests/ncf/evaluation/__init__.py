"""Tests of `ncf_assets.ncf.evaluation`."""
