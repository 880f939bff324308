"""A result keeps its state, prints in one line, and does not compute."""

import math

import pytest

import pidnet as pn
from pidnet.estimators.information import infinite


def test_it_prints_one_line_with_its_state():
    found = pn.Information("I(X;T)", 12.0, 11.9, math.inf, state="saturated")
    assert repr(found) == "I(X;T) 12.00 [11.90, inf] bits, saturated"
    assert found.width == math.inf


def test_there_is_no_arithmetic():
    found = pn.Information("I(X;T)", 1.0, 0.9, 1.1)
    for operation in (lambda a: a + 1, lambda a: a - a, lambda a: float(a), lambda a: a < a):
        with pytest.raises(TypeError):
            operation(found)


def test_an_order_holds_only_where_brackets_are_apart():
    first, second = pn.Information("I(T;Y)", 1.0, 0.9, 1.1), pn.Information("I(T;Y)", 1.2, 1.05, 1.3)
    third = pn.Information("I(T;Y)", 2.0, 1.8, 2.1)
    assert not first.surely_below(second)
    assert first.surely_below(third)
    assert not infinite("I(T;Y)", "no noise").surely_below(third)
    with pytest.raises(ValueError, match="does not compare"):
        first.surely_below(pn.Information("I(X;T)", 3.0, 3.0, 3.0))


def test_a_note_and_a_state_are_added_to_a_copy():
    found = pn.Information("I(X;T)", 1.0, 0.9, 1.1)
    flagged = found.with_note("bins decide", state="not robust")
    assert (found.state, found.notes) == ("ok", ())
    assert (flagged.state, flagged.notes) == ("not robust", ("bins decide",))
    assert flagged.to_dict()["state"] == "not robust"


@pytest.mark.parametrize(("field", "value"), [("state", "fine"), ("about", "me")])
def test_words_are_from_the_list(field, value):
    with pytest.raises(ValueError, match="expected one of"):
        pn.Information("I(X;T)", 1.0, 0.9, 1.1, **{field: value})
