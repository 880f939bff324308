import numpy as np
import pytest

from pidnet.printing import MOST_LINES, Printed, listed, number, table


class Long(Printed):
    def _lines(self):
        return [f"<line {k}>" for k in range(30)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (30135, "30,135"),
        (np.int64(7), "7"),
        (0.07123, "0.0712"),
        (0.0, "0.0000"),
        (2e-7, "2e-07"),
        (-123456.0, "-1.235e+05"),
        (float("nan"), "nan"),
        (None, "-"),
        (True, "True"),
        ("fc1", "fc1"),
    ],
)
def test_a_cell_reads_as_a_person_writes_it(value, text):
    assert number(value) == text


def test_a_result_prints_few_lines_and_is_escaped_in_a_notebook():
    assert len(repr(Long()).splitlines()) == MOST_LINES
    assert repr(Long()).endswith("... and 19 more lines")
    assert "<line" not in Long()._repr_html_()
    assert "&lt;line 0&gt;" in Long()._repr_html_()


def test_a_table_is_aligned_and_says_what_it_leaves_out():
    rows = [{"layer": name, "units": units} for name, units in (("fc1", 8), ("features", 1024), ("x", 1))]
    assert table(rows, most=2) == ["layer     units", "fc1           8", "features  1,024", "... and 1 more"]
    assert table([]) == []


def test_long_lists_are_cut():
    assert listed(range(8)) == "0, 1, 2, 3, 4, 5 and 2 more"
    assert listed(["a", "b"]) == "a, b"
