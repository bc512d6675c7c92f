"""Evaluate models: draw negatives, rank held-out items, and compare metrics with intervals.

The models are in `ncf_assets.ncf.models`; `ncf_assets.report` puts the results into words.
"""
