"""A measure is an object around a function; what is known about it survives options, partials and replace."""

from dataclasses import FrozenInstanceError, replace
from functools import partial

import numpy as np
import pytest

from pidnet.measures import MEASURES, decompose, find_measure, i_broja, i_ccs, i_mmi
from pidnet.measures.atoms import atoms_from_redundancy
from pidnet.measures.gaussian import GAUSSIAN_MEASURES, find_gaussian_measure
from pidnet.measures.gaussian.iccs import i_ccs as gaussian_i_ccs
from pidnet.measures.measure import Measure
from pidnet.significance import interval_method
from pidnet.tables.discrete import PairTables


def half_shared(tables, *, share=0.5):
    return atoms_from_redundancy(tables.p, share * MEASURES["i_mmi"](tables).redundancy)


def given_tables(samples=0):
    p = np.random.default_rng(0).dirichlet(np.ones(12), size=4).reshape(4, 2, 2, 3)
    return PairTables(np.full((4, 2), -1), p, samples)


@pytest.mark.parametrize("name", MEASURES)
def test_a_name_its_function_and_its_object_are_one_measure(name):
    measure = MEASURES[name]
    assert find_measure(name) is find_measure(measure) is find_measure(measure.function) is measure
    assert (measure.name, measure.nonnegative) == (name, name != "i_ccs")
    assert measure.source
    np.testing.assert_array_equal(
        measure(given_tables()).redundancy, measure.function(given_tables()).redundancy
    )


@pytest.mark.parametrize("function", [i_broja, MEASURES["i_broja"], MEASURES["i_broja"].function])
def test_a_measure_with_other_options_keeps_its_delta_intervals(function):
    strict = find_measure(partial(function, tolerance=1e-9))
    assert strict.name == "i_broja(tolerance=1e-09)"
    assert interval_method(strict) == "delta method"
    assert strict.nonnegative
    assert (strict(given_tables()).gap <= 1e-9).all()
    assert strict.derivative(given_tables()).first.shape == (4, 2, 3)


def test_a_replaced_measure_keeps_what_is_known_about_it():
    strict = replace(MEASURES["i_ccs"], name="strict", function=partial(i_ccs, tolerance=1e-12))
    assert find_measure(strict) is strict
    assert interval_method(strict) == "delta method"
    assert find_measure(i_mmi).kinks == "smaller information"


def test_a_function_of_ones_own_is_wrapped_and_claims_nothing():
    measure = find_measure(partial(half_shared, share=0.25))
    assert measure.name == "half_shared(share=0.25)"
    assert (measure.derivative, measure.nonnegative, interval_method(measure)) == (None, False, "jackknife")
    assert decompose(given_tables().p, half_shared).redundancy.shape == (4,)


def test_a_function_that_was_registered_goes_by_its_key(monkeypatch):
    monkeypatch.setitem(MEASURES, "half", half_shared)
    assert find_measure("half").name == "half"


def test_a_gaussian_measure_goes_by_its_name_with_the_prefix():
    assert find_gaussian_measure("i_ccs") is find_gaussian_measure("gaussian_i_ccs")
    assert find_gaussian_measure(gaussian_i_ccs) is GAUSSIAN_MEASURES["gaussian_i_ccs"]
    few = find_gaussian_measure(partial(gaussian_i_ccs, points=64))
    assert few.name == "gaussian_i_ccs(points=64)"


def test_a_measure_prints_and_cannot_be_changed():
    measure = Measure("half", half_shared)
    assert repr(measure).splitlines() == ["Measure half", "atoms may be negative; derivative not known"]
    with pytest.raises(FrozenInstanceError):
        measure.name = "other"
    with pytest.raises(TypeError, match="measure=3; expected a function or one of i_min"):
        find_measure(3)
