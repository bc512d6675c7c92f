"""The Dagster assets, one short file for each stage of the way of the data.

ingest → prepare → split → train → evaluate. An asset says what it reads, which config it takes and
which function makes it; `table_asset` and `partition` do the reading, auditing and publishing that
all share. Formulas live in `ncf_assets.ncf`, SQL in `ncf_assets.tables`, paths in
`ncf_assets.warehouse`.
"""
