"""Keep the data folder: its paths, its Parquet files, and the DuckDB database that shows them.

`warehouse.Warehouse` is the only class that publishes: it reads, stages and replaces partitions,
and `paths.Paths` knows where they are. `parquet` writes tables, `provenance` is what each partition
records about its origin, `catalogue` builds the database of views, and `dataset_lock` lets one run
at a time work on a dataset. How a table is made, and by which Dagster asset, is in
`ncf_assets.orchestration` and `ncf_assets.assets`.
"""
