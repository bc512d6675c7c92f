"""Tests of `ncf_assets.ncf.recommend`."""
