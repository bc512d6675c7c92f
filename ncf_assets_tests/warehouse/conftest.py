"""Fixtures: an object store for each test, of each kind."""

from collections.abc import Iterator

import pytest

from ncf_assets.warehouse.store import Store
from ncf_assets_tests.object_store import new_bucket


@pytest.fixture(scope="module", params=[pytest.param("s3", marks=pytest.mark.service), "file"])
def address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Set the environment variables of a bucket or a folder, and return its URL."""
    if request.param == "s3":
        variables = new_bucket(request.getfixturevalue("moto"))
    else:
        variables = {"NCF_STORE": f"file://{tmp_path_factory.mktemp('store')}/bucket"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield variables["NCF_STORE"]


@pytest.fixture
def store(address: str, request: pytest.FixtureRequest) -> Store:
    """Return an empty store in the bucket."""
    found = Store(f"{address}/{hash(request.node.nodeid)}")
    found.begin()
    return found
