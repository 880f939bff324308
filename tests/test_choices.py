from functools import partial

import pytest

from pidnet.choices import check_name, find_choice, name_of

KNOWN = {"first": min, "second": max}


def scaled(x, *, factor=1):
    return x * factor


class Scaling:
    def __call__(self, x):
        return x


def test_a_name_and_a_function_are_found():
    assert find_choice("order", "first", KNOWN) is min
    assert find_choice("order", scaled, KNOWN) is scaled


def test_what_is_neither_is_refused_with_the_known_names():
    with pytest.raises(ValueError, match="unknown order 'third'; the known ones are first, second"):
        find_choice("order", "third", KNOWN)
    with pytest.raises(TypeError, match="order=3; expected a function or one of first, second"):
        find_choice("order", 3, KNOWN)


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ("first", "first"),
        (scaled, "scaled"),
        (partial(scaled, factor=2), "scaled(factor=2)"),
        (partial(partial(scaled, factor=2), 1), "scaled(1, factor=2)"),
        (Scaling(), "Scaling"),
        (partial(Scaling(), 3), "Scaling(3)"),
    ],
)
def test_a_stored_name_holds_no_memory_address(choice, name):
    assert name_of(choice) == name


def test_an_unknown_name_is_told_with_the_known_ones():
    check_name("repair", "fold", ("none", "fold"))
    with pytest.raises(ValueError, match="unknown repair 'glue'; the known ones are none, fold"):
        check_name("repair", "glue", ("none", "fold"))
