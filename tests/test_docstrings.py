"""Every public name is documented in numpydoc's form: what it takes, what it gives, and an example that runs.

The examples are run as doctests by ``make test``.
"""

import inspect
from functools import cached_property
from types import ModuleType

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

import pidnet as pn

SUMMARY = {"GL03", "GL06", "GL07", "GL08", "GL10", "SS01", "SS02", "SS03", "SS04", "SS06"}
ARGUMENTS = {"PR01", "PR02", "PR03", "PR07", "PR10"}
RESULT = {"RT01", "RT03", "YD01"}
# They watch a counter for half a minute or more.
SLOW = {"pidnet.energy.measured.measure", "pidnet.energy.comparison.add_measured"}


def full_name(value) -> str:
    """Where a function or class is defined."""
    return f"{value.__module__}.{value.__qualname__}"


def of_pidnet(value) -> bool:
    """Whether this is a function or a class of pidnet itself."""
    documented = inspect.isfunction(value) or inspect.isclass(value)
    return documented and value.__module__.startswith("pidnet")


def public_objects() -> dict:
    """The functions and classes in ``pidnet.__all__`` and in ``__all__`` of its rooms, by full name."""
    values = [getattr(pn, name) for name in pn.__all__]
    rooms = [value for value in values if isinstance(value, ModuleType)]
    values += [getattr(room, name) for room in rooms for name in getattr(room, "__all__", ())]
    return {full_name(value): value for value in values if of_pidnet(value)}


def public_methods(found: type) -> dict:
    """The methods and properties that a public class of pidnet defines, by full name."""
    members = {
        name: value
        for owner in reversed(found.__mro__)
        if of_pidnet(owner)
        for name, value in vars(owner).items()
        if not name.startswith("_") and (inspect.isroutine(value) or isinstance(value, property))
        if not isinstance(value, cached_property)
    }
    return {f"{full_name(found)}.{name}": value for name, value in members.items()}


OBJECTS = public_objects()
CLASSES = {name: value for name, value in OBJECTS.items() if inspect.isclass(value)}
FUNCTIONS = {name: value for name, value in OBJECTS.items() if name not in CLASSES}
METHODS = {name: value for found in CLASSES.values() for name, value in public_methods(found).items()}


def faults(name: str, required: set) -> list:
    """What numpydoc finds wrong, among the codes that are required."""
    return [f"{code}: {text}" for code, text in validate(name)["errors"] if code in required]


def undocumented_fields(found: type) -> set:
    """Arguments of a class that stand neither under Parameters nor under Attributes."""
    text = NumpyDocString(inspect.getdoc(found) or "")
    documented = {
        name.strip().lstrip("*")
        for section in ("Parameters", "Attributes")
        for parameter in text[section]
        for name in parameter.name.split(",")
    }
    return set(inspect.signature(found).parameters) - documented - {"args", "kwargs"}


def is_protocol(found: type) -> bool:
    """``typing.is_protocol`` of Python 3.13."""
    return bool(getattr(found, "_is_protocol", False))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_documented_with_an_example(name):
    assert not faults(name, SUMMARY | ARGUMENTS | RESULT | {"EX01"})
    assert ">>>" in FUNCTIONS[name].__doc__ or name in SLOW, "the example does not run"


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_documented_with_its_fields_and_an_example(name):
    """An exception needs no example, and neither does a protocol, which nobody makes."""
    found = CLASSES[name]
    example = set() if issubclass(found, Exception) or is_protocol(found) else {"EX01"}
    assert not faults(name, SUMMARY | example)
    assert not undocumented_fields(found)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_documented(name):
    """One line is enough for a method without arguments: its annotation has the type."""
    method = METHODS[name]
    method = getattr(method, "__func__", method)
    plain = isinstance(method, property) or len(inspect.signature(method).parameters) <= 1
    assert not faults(name, SUMMARY | ARGUMENTS | (set() if plain else RESULT))
