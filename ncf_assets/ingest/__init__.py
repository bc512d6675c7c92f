"""Ingest raw reviews: find or download a file, and read its lines one by one.

This package knows files, lines and the reasons for which a line is rejected. It knows no tables and
no Dagster: `ncf_assets.warehouse` writes what this package yields, and `ncf_assets.assets.ingest`
calls both. The folders under `data/` are in `ncf_assets.warehouse.paths`.
"""
