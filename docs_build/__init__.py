"""Generate the parts of the documentation that follow from the project itself.

These are reference pages, answers to queries, outputs and pictures. Nothing here is part of the
installed package; texts that people write are in `docs/`.
"""
