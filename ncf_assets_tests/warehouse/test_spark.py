"""A SPARK_HOME that another program has set is told before any work."""

from pathlib import Path

import pytest

from ncf_assets.orchestration.resources import EngineResource
from ncf_assets.warehouse.spark import SparkError, check_spark_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package pyspark 4.3.1, as far as its version goes, and a folder that SPARK_HOME names."""
    package = tmp_path / "packages/pyspark-4.3.1.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: pyspark\nVersion: 4.3.1\n")
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    (tmp_path / "jars").mkdir()
    return tmp_path


def test_a_foreign_spark_home_is_told_with_both_versions(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the engine is set, when the code location loads; a folder without Spark, too."""
    with pytest.raises(SparkError, match=f"found no Spark in {home}. Unset SPARK_HOME"):
        check_spark_home()
    (home / "jars/spark-core_2.13-3.5.1.jar").touch()
    monkeypatch.setenv("NCF_ENGINE", "spark")
    with pytest.raises(ValueError, match=r"must name Spark 4\.3\.1, .* found 3\.5\.1 in"):
        EngineResource.from_env()
    monkeypatch.setenv("NCF_ENGINE", "duckdb")
    assert EngineResource.from_env().kind == "duckdb"


def test_the_same_spark_and_none_are_fine(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The jar has Scala's version in its name as well."""
    (home / "jars/spark-core_2.13-4.3.1.jar").touch()
    check_spark_home()
    monkeypatch.delenv("SPARK_HOME")
    check_spark_home()
