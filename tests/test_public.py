"""Every public name is there from the start, documented, and typed for those who import it."""

import inspect
import subprocess
import sys
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


def test_a_room_is_there_before_anything_was_touched():
    """Fault F6: ``pn.tables`` does not depend on what was imported before: each room is asked for first in its process."""
    rooms = [name for name in pn.__all__ if isinstance(getattr(pn, name), ModuleType)]
    program = "import sys, pidnet as pn\nfor room in sys.argv[1:]:\n    getattr(pn, room)"
    fresh = "import pidnet as pn; assert not [n for n in vars(pn) if n in pn.__all__]; pn.tables.shannon"
    subprocess.run([sys.executable, "-c", program, *rooms], check=True)
    subprocess.run([sys.executable, "-c", fresh], check=True)


def test_every_room_but_the_inner_ones_is_listed():
    """What importing a room puts beside the listed names is not for users: no page of the reference has it."""
    inner = {"cli", "execution", "networks"}
    folders = {
        f.name for f in resources.files(pn).iterdir() if f.is_dir() and f.joinpath("__init__.py").is_file()
    }
    modules_of_a_room = {"quantizers", "shannon"}
    listed = {n for n in pn.__all__ if isinstance(getattr(pn, n), ModuleType)}
    assert listed == folders - inner | modules_of_a_room


@pytest.mark.parametrize("room", [n for n in pn.__all__ if isinstance(getattr(pn, n), ModuleType)])
def test_a_room_has_what_it_lists(room):
    module = getattr(pn, room)
    listed = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
    assert listed
    assert not [name for name in listed if not hasattr(module, name)]
