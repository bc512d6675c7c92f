"""Make the lists that people are shown: the top items of a user, the similar items of an item.

Both come from a pass of `ncf_assets.ncf.evaluation.ranking` over all scores.
"""
