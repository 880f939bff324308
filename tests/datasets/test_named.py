import numpy as np
import pytest
import torch

from pidnet import datasets


def test_digits_are_whole_and_split_without_overlap(digits):
    assert digits.x_train.shape == (1198, 64)
    assert digits.x_test.shape == (599, 64)
    assert digits.x_train.dtype == torch.float32
    assert digits.y_train.dtype == torch.int64
    assert digits.x_train.min() == 0
    assert digits.x_train.max() == 1
    assert set(digits.y_test.tolist()) == set(range(10))


def test_images_are_the_rows_in_another_shape(digits):
    images = datasets.load("digits", images=True)
    assert images.x_test.shape == (599, 1, 8, 8)
    assert torch.equal(images.x_test.flatten(1), digits.x_test)


def test_a_folder_of_files(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (6, 4, 4, 3), dtype=np.uint8)
    for part in ("train", "test"):
        np.savez(tmp_path / f"cifar10_{part}5k.npz", x=pixels, y=np.arange(6, dtype=np.uint8))
    samples = datasets.load("cifar10", tmp_path, images=True)
    assert samples.x_train.shape == (6, 3, 4, 4)
    assert samples.x_train[2, 1, 3, 0] == pixels[2, 3, 0, 1] / np.float32(255)
    assert samples.y_test.tolist() == list(range(6))


def test_bad_input(tmp_path):
    with pytest.raises(ValueError, match="unknown data set 'digit'; the known ones are digits, mnist"):
        datasets.load("digit")
    with pytest.raises(
        FileNotFoundError,
        match=r"mnist\.npz does not exist; set PIDNET_DATA.*LeCun.*make_data",
    ):
        datasets.load("mnist", tmp_path)


def test_names_are_coded_without_repeats(tmp_path):
    names = np.array(["Bo", "Abba", "Bo", "Cab", "Lee", "Lee", "Ba"])
    np.savez(tmp_path / "names.npz", name=names, y=np.array([0, 1, 0, 2, 1, 2, 0], np.uint8))
    samples = datasets.load("names", tmp_path)
    # in the order of the alphabet: Abba, Ba, Bo, Cab, Lee; letters A B C L a b e o are 1 ... 8
    assert samples.x_train.tolist() == [[1, 6, 6, 5], [2, 5, 0, 0], [3, 5, 6, 0], [4, 7, 7, 0]]
    assert samples.y_train.tolist() == [1, 0, 2, 1]
    assert samples.x_test.tolist() == [[2, 8, 0, 0]]


def test_mnist1d_is_made_without_touching_the_random_state():
    pytest.importorskip("mnist1d")
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    samples = datasets.load("mnist1d", images=True)
    assert samples.x_train.shape == (4000, 1, 40)
    assert samples.x_test.shape == (1000, 1, 40)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
