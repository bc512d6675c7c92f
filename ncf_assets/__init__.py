"""Amazon reviews, or any interactions, to an audited neural recommender, as Dagster assets.

Nothing is imported here: `ncf_assets.ncf` is usable without Dagster, and Dagster loads
`ncf_assets.definitions` without TensorFlow.
"""
