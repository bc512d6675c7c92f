"""The resource `engine`: what runs the selects of the tables, DuckDB or Spark.

Environment variables set it for every run, run configuration for one:
`resources: {engine: {config: {kind: spark, master: "spark://host:7077"}}}`. What each engine does
is `ncf_assets.warehouse`'s.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Self

import dagster as dg
from pydantic import Field

from ncf_assets.warehouse.spark import LOCAL, Spark


class EngineResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Spark, connected on first use and let go of after the run; None for DuckDB."""

    kind: Literal["duckdb", "spark"] = Field("duckdb", description="NCF_ENGINE, else duckdb")
    master: str = Field(LOCAL, description="Spark's master URL: NCF_SPARK_MASTER, else local[*]")

    @classmethod
    def of_environment(cls) -> Self:
        """As NCF_ENGINE and NCF_SPARK_MASTER say. ValueError for an engine that there is not."""
        master = os.environ.get("NCF_SPARK_MASTER") or LOCAL
        match os.environ.get("NCF_ENGINE") or "duckdb":
            case "duckdb":
                return cls(kind="duckdb", master=master)
            case "spark":
                return cls(kind="spark", master=master)
            case other:
                raise ValueError(f"NCF_ENGINE must be duckdb or spark, found {other!r}; correct it")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Spark | None]:  # noqa: ARG002
        """What the resource `warehouse` is given."""
        if self.kind == "duckdb":
            yield None
            return
        spark = Spark(self.master)
        try:
            yield spark
        finally:
            spark.close()
