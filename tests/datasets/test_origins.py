import numpy as np

from pidnet.datasets import named
from pidnet.datasets.origins import ORIGINS, check_file, content_hash


def test_every_file_that_is_read_has_an_origin():
    """Fault F9: nobody was told where four named data sets come from."""
    read = {part[0] for parts in named.FILES.values() for part in parts} | {"names.npz"}
    assert read == set(ORIGINS)
    for parts in named.FILES.values():
        for file, x, y in parts:
            assert {x, y} <= ORIGINS[file].keys.keys()
    assert all(len(origin.sha256) == 64 for origin in ORIGINS.values())


def test_the_hash_is_of_the_arrays_and_not_of_the_archive(tmp_path):
    x, y = np.arange(6, dtype=np.uint8).reshape(2, 3), np.arange(2)
    np.savez(tmp_path / "plain.npz", y=y, x=x)
    np.savez_compressed(tmp_path / "packed.npz", x=x, y=y, more=y)
    np.savez(tmp_path / "other.npz", x=x + np.uint8(1), y=y)
    hashes = [
        content_hash(tmp_path / f"{name}.npz", {"x": "", "y": ""}) for name in ("plain", "packed", "other")
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_file_is_checked(tmp_path):
    assert check_file(tmp_path, "names.npz") == "missing"
    np.savez(tmp_path / "names.npz", name=np.array(["a"]))
    assert check_file(tmp_path, "names.npz").startswith("lacks")
    np.savez(tmp_path / "names.npz", name=np.array(["a"]), y=np.array([0]))
    assert check_file(tmp_path, "names.npz") == "other arrays than behind the results"
