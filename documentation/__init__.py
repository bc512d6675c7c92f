"""What the documentation says that follows from the project itself: results, tables, the lineage.

Nothing here is part of the installed package; texts that people write are in `docs/`.
"""
