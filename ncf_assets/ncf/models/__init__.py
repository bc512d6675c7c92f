"""The models are NeuMF, its halves, and the baselines that they are compared with.

`ncf_assets.ncf.training` trains the networks; `ncf_assets.ncf.evaluation` evaluates all models.
"""

EVALUATED_MODEL = "neumf"  # the model that the report is about, and that recommends
CHANCE = "random"  # the row that says what equal scores for all items reach
