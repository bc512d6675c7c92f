"""Train networks epoch by epoch, in one process or several, and search for their settings.

The networks are defined in `ncf_assets.ncf.models`.
"""
