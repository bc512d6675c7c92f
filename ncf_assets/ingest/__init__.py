"""Getting raw reviews in: finding or fetching a file, and reading its lines one by one.

Here are files, lines and reasons for refusal. Tables, paths under `data/` and Dagster are not:
`ncf_assets.warehouse` writes what this package yields, `ncf_assets.assets` calls both.
"""
