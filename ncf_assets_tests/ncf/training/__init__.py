"""Tests of `ncf_assets.ncf.training`."""
