"""The page needs a service of its own process; a browser and node where they are installed, as tests/live has it."""

from tests.live.conftest import live, pytest_collection_modifyitems, pytest_configure

__all__ = ["live", "pytest_collection_modifyitems", "pytest_configure"]
