"""The science: sampling, NeuMF, training, ranking, metrics, report. Arrays in, arrays or text out.

Nothing here knows Dagster, DuckDB, paths or global random state; what reads and writes lives in
`ncf_assets.assets` and `ncf_assets.warehouse`.
"""
