"""The Dagster assets: a file has those of one stage, or of a part of it.

The stages are ingest, prepare, split, train (`train`, `baselines`, `tuning`), evaluate (`rank`,
`evaluate`, `report`, `leaderboard`) and serve. An asset says what it reads, which settings it
takes, and which function or select makes it. What all assets share is in
`ncf_assets.orchestration`, formulas are in `ncf_assets.ncf`, selects in `ncf_assets.tables`.
"""
