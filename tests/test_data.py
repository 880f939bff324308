import numpy as np
import pytest
import torch

from pidnet import data


def test_digits_are_whole_and_split_without_overlap(digits):
    assert digits.x_train.shape == (1198, 64)
    assert digits.x_test.shape == (599, 64)
    assert digits.x_train.dtype == torch.float32
    assert digits.y_train.dtype == torch.int64
    assert digits.x_train.min() == 0
    assert digits.x_train.max() == 1
    assert set(digits.y_test.tolist()) == set(range(10))


def test_images_are_the_rows_in_another_shape(digits):
    images = data.load("digits", images=True)
    assert images.x_test.shape == (599, 1, 8, 8)
    assert torch.equal(images.x_test.flatten(1), digits.x_test)


def test_a_folder_of_files(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (6, 4, 4, 3), dtype=np.uint8)
    for part in ("train", "test"):
        np.savez(tmp_path / f"cifar10_{part}5k.npz", x=pixels, y=np.arange(6, dtype=np.uint8))
    samples = data.load("cifar10", tmp_path, images=True)
    assert samples.x_train.shape == (6, 3, 4, 4)
    assert samples.x_train[2, 1, 3, 0] == pixels[2, 3, 0, 1] / np.float32(255)
    assert samples.y_test.tolist() == list(range(6))


def test_bad_input(tmp_path):
    with pytest.raises(ValueError, match="unknown data set 'digit'; the known ones are digits, mnist"):
        data.load("digit")
    with pytest.raises(
        FileNotFoundError, match=r"mnist\.npz does not exist; pass folder= or set PIDNET_DATA"
    ):
        data.load("mnist", tmp_path)
