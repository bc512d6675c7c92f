"""The Dagster resources: `warehouse`, which locks the run's dataset, and `engine`.

The engine, DuckDB or Spark, runs the selects of the tables. Environment variables set it for every
run, run configuration for one:
`resources: {engine: {config: {kind: spark, master: "spark://host:7077"}}}`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal, Self

import dagster as dg
from pydantic import Field

from ncf_assets.orchestration.dagster_runs import (
    dataset_of,
    lock_tag,
    processes_of,
    released_tag,
)
from ncf_assets.orchestration.distributed import check_tf_config
from ncf_assets.warehouse.dataset_lock import dataset_lock
from ncf_assets.warehouse.duckdb_limits import shared_out
from ncf_assets.warehouse.spark import LOCAL, Spark, SparkError, check_spark_home
from ncf_assets.warehouse.warehouse import Warehouse


class EngineResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Spark, connected on first use and closed after the run; None for DuckDB."""

    kind: Literal["duckdb", "spark"] = Field("duckdb", description="NCF_ENGINE, else duckdb")
    master: str = Field(LOCAL, description="Spark's master URL: NCF_SPARK_MASTER, else local[*]")

    @classmethod
    def from_env(cls) -> Self:
        """As NCF_ENGINE and NCF_SPARK_MASTER say. ValueError for an engine that cannot be had."""
        master = os.environ.get("NCF_SPARK_MASTER") or LOCAL
        match os.environ.get("NCF_ENGINE") or "duckdb":
            case "duckdb":
                return cls(kind="duckdb", master=master)
            case "spark":
                try:
                    check_spark_home()
                except SparkError as error:
                    raise ValueError(str(error)) from error
                return cls(kind="spark", master=master)
            case other:
                raise ValueError(
                    f"NCF_ENGINE must be duckdb or spark, found {other!r}. Correct it."
                )

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Spark | None]:  # noqa: ARG002
        """Yield what the resource `warehouse` runs selects on."""
        if self.kind == "duckdb":
            yield None
            return
        spark = Spark(self.master)
        try:
            yield spark
        finally:
            spark.close()


def warehouse_resource(at: Warehouse) -> dg.ResourceDefinition:
    """Make the resource `warehouse`, which locks the run's dataset while it is in use.

    Its selects run on the resource `engine`.
    """

    @dg.resource(
        required_resource_keys={"engine"},
        description=f"The tables, models and reports of {at.name}, and the lock of a dataset.",
    )
    def warehouse(context: dg.InitResourceContext) -> Iterator[Warehouse]:
        place = replace(at, spark=context.resources.engine)
        instance = context.instance
        run = instance.get_run_by_id(context.run.run_id) if instance and context.run else None
        if instance is None or run is None or run.is_finished:
            yield place  # to look at: `dg launch` asks for it again after the run has ended
            return
        check_tf_config()  # before any work, which takes long before the first network
        place.published.check_usable()
        if (processes := processes_of(run)) > 1:
            place = replace(place, memory_limit=shared_out(place.memory_limit, processes))
        with (
            dataset_lock(place, dataset_of(run), run.run_id),
            tagged(instance, run.run_id, place),
        ):
            yield place

    return warehouse


@contextmanager
def tagged(instance: dg.DagsterInstance, run_id: str, place: Warehouse) -> Iterator[None]:
    """Tag a run when it has locked its dataset, and when it has released it."""
    own, run = lock_tag(place, run_id), instance.get_run_by_id(run_id)
    if run is None or own.items() <= run.tags.items():  # a process holds it until the run has ended
        yield
        return
    instance.add_run_tags(run_id, own)
    try:
        yield
    finally:
        instance.add_run_tags(run_id, released_tag(place, run_id))
