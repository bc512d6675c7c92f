"""What all assets share: how functions and selects become Dagster assets, and what runs them.

`tables` and `models` hold the decorators, `publish` the body that they share. The stages are in
`ncf_assets.assets`; formulas are in `ncf_assets.ncf`; files are written by `ncf_assets.warehouse`.
"""
