"""A home of its own for each module: these tests kill what runs in it."""

from collections.abc import Iterator

import pytest

from local.home import Home
from local.processes import stop_services
from local.stack import stop_parts


@pytest.fixture(scope="module")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("own") / "home")
    home.make()
    yield home
    stop_services(home)
    stop_parts(home)
