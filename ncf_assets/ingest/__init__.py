"""Ingest source files: find or download them, and read what they have in batches.

They are Amazon's reviews, read line by line, tables, which DuckDB reads, details of items, and
scores from outside. This package knows why a line or row is rejected. It knows neither Dagster nor
the project's own tables: `ncf_assets.warehouse` writes what this package yields, and
`ncf_assets.assets.ingest` calls both. The folders under `data/` are in
`ncf_assets.warehouse.paths`.
"""
