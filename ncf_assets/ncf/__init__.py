"""The science computes on arrays: models, their training, and their evaluation.

Nothing here knows Dagster, DuckDB, the data folder or global random state; callers name the few
files: pairs that are streamed, saved models, a search's trials. Code that reads and writes tables
lives in `ncf_assets.assets` and `ncf_assets.warehouse`; the text of the report, in
`ncf_assets.report`.

The networks are TensorFlow's, so Keras is given that backend before anything imports it, whatever
KERAS_BACKEND or the keras.json of a home says.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
if "keras" in sys.modules and (other := sys.modules["keras"].backend.backend()) != "tensorflow":
    raise ImportError(
        f"ncf_assets.ncf needs Keras with TensorFlow, and it was imported with {other}. Import"
        " ncf_assets.ncf first, or set KERAS_BACKEND=tensorflow."
    )
