"""Small tiles for small layers."""

import pytest

from pidnet.maps import _store, _tiles


@pytest.fixture
def small_tiles(monkeypatch):
    """Tiles of 4 x 4 units, so that small layers have several."""
    for module in (_tiles, _store):
        monkeypatch.setattr(module, "SIDE", 4)
