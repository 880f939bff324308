import numpy as np
import pytest

from pidnet.printing import MOST_LINES, WIDTH, Printed, counted, listed, number, table, with_prefix, wrapped


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
        (-6.7e-16, "0.0000"),
        (2e-7, "2e-07"),
        (-123456.0, "-123,456.0"),
        (1234567890.0, "1.235e+09"),
        (84.3361, "84.3"),
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


class Wide(Printed):
    def _lines(self):
        return ["x" * 300, "two\nlines"]


def test_a_line_that_is_too_long_is_cut_where_one_sees_it():
    first, *rest = repr(Wide()).splitlines()
    assert (len(first), first[-5:]) == (WIDTH, "x ...")
    assert rest == ["two", "lines"]


def test_a_sentence_is_wrapped_under_its_beginning():
    lines = wrapped("word " * 50, "  ")
    assert max(map(len, lines)) <= WIDTH
    assert [line[:5] for line in lines] == ["  wor", "    w", "    w"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.0, "2 J"), (0.0123, "12.3 mJ"), (8.19e-7, "819 nJ"), (-2.5e-6, "-2.5 uJ"), (0.0, "0 pJ")],
)
def test_a_small_quantity_has_the_prefix_that_fits(value, text):
    assert with_prefix(value, "J") == text


def test_a_table_that_is_too_wide_shortens_its_longest_texts_in_the_middle():
    rows = [{"layer": f"{'encoder.' * 12}{k}.out", "units": k, "note": "n" * 20} for k in range(2)]
    lines = table(rows)
    assert {len(line) for line in lines[1:]} == {WIDTH}
    assert [line.split()[0][-7:] for line in lines[1:]] == ["r.0.out", "r.1.out"]
    assert all(line.startswith("encoder.") and "..." in line for line in lines[1:])


def test_names_that_begin_alike_and_end_alike_are_told_apart():
    layers = [f"bert.encoder.layer.{k}.attention.self" for k in range(2)]
    lines = table([{"layer": layer} | {name * 18: 1 for name in "abcd"} for layer in layers])
    assert [line.split()[0] for line in lines[1:]] == ["....0.attention.self", "....1.attention.self"]


def test_things_are_counted_in_words():
    assert [counted(n, "pair") for n in (0, 1, 2000)] == ["0 pairs", "1 pair", "2,000 pairs"]
