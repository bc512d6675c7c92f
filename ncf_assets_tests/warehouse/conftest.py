"""An object store for each test, of each kind."""

from collections.abc import Iterator

import pytest

from ncf_assets.warehouse.store import Store
from ncf_assets_tests.object_store import STORES


@pytest.fixture(scope="module", params=STORES)
def address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a bucket that is there, whose environment variables are set."""
    folder = tmp_path_factory.mktemp(request.param)
    with STORES[request.param](folder) as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield variables["NCF_STORE"]


@pytest.fixture
def store(address: str, request: pytest.FixtureRequest) -> Store:
    """An empty place in it."""
    found = Store(f"{address}/{hash(request.node.nodeid)}")
    found.begin()
    return found
