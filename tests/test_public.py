"""Every public name is documented, and typed for those who import it."""

import inspect
from importlib import resources
from types import ModuleType

import pytest

import pidnet as pn

NAMES = [name for name in pn.__all__ if not isinstance(getattr(pn, name), ModuleType)]
CLASSES = [name for name in NAMES if inspect.isclass(getattr(pn, name))]


@pytest.mark.parametrize("name", [name for name in NAMES if callable(getattr(pn, name))])
def test_a_public_name_says_what_it_is_and_what_it_raises(name):
    found = getattr(pn, name)
    words = inspect.getdoc(found) or ""
    assert len(words) > 40
    if inspect.isfunction(found) and "raise " in inspect.getsource(found):
        assert "Raises" in words


@pytest.mark.parametrize("name", CLASSES)
def test_a_public_method_says_what_it_does(name):
    silent = [
        member
        for member, value in inspect.getmembers(getattr(pn, name))
        if not member.startswith("_") and inspect.isroutine(value) and not inspect.getdoc(value)
    ]
    assert not silent


def test_the_package_is_marked_as_typed():
    assert resources.files(pn).joinpath("py.typed").is_file()
