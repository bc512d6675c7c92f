"""The science takes arrays and returns arrays: models, their training, and their evaluation.

Nothing here knows Dagster, DuckDB, paths or global random state. Code that reads and writes lives
in `ncf_assets.assets` and `ncf_assets.warehouse`; the text of the report, in `ncf_assets.report`.
"""
