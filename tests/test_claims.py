"""The figures in README and documentation are those of the committed results, to the digits that are printed."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NUMBER = r"([-+]?(?:\d[\d,]*\.?\d*|\.\d+))"

# (page, words, results, words there): "#" is a number, and each number of the page is that of the results.
CLAIMS = [
    ("README.md", "with a certificate, (4, 4, 10), pairs per CPU second | # | ECOS cone, one at a time: # (# times)",
     "scale.md", "| [4, 4, 10] | # | ~ | ~ | ~ | ~ | ~ | # | # |"),
    ("README.md", "on/off sources, (2, 2, 10), pairs per CPU second | # | ECOS cone: # (# times)",
     "scale.md", "| [2, 2, 10] | # | ~ | ~ | ~ | ~ | ~ | # | # |"),
    ("README.md", "| I_ccs, (4, 4, 10) | # | dit: # |", "measures.md", "| i_ccs | (4, 4, 10) | # | dit PID_CCS # |"),
    ("docs/choosing.md", "identity | no | # | ~ independent identity | yes | # |",
     "measures.md", "a pair | measure | as it is | by default | ~ | i_broja | ~ | # | | i_ccs | ~ | # |"),
    ("README.md", "10,000 samples, counting included | # s", "measures.md", "| 512 | i_min | 130,816 | # |"),
    ("README.md", "(~G), (10, 10, 10), per case | # ms | gpid: # s",
     "gaussian.md", "| (10, 10, 10) | ~ | # | ~ | ~ | ~ | # |"),
    ("README.md", "`pid` has mean rank #; next come OBS with the search that `pid` makes over its proposals (#), the "
     "closed form without that search (#) and OBS, the strongest known baseline (#); random choice has #.",
     "pruning.md", "| refit | 28 | pid #, obs searched #, pid closed form #, obs #, ~ random #,"),
    ("README.md", "`pid` keeps # points of accuracy more than OBS (95 % interval over the networks # to #) and #",
     "pruning.md", "| obs | # | # to # | ~ obs searched | # |"),
    ("README.md", "lifts the LSTM from # to # %", "pruning.md", "| lstm/digits | 90% | ~ | ~ | # ± ~ | # ±"),
    ("README.md", "the CNN on digits from # to #.", "pruning.md", "| cnn/digits | 90% | ~ | ~ | # ± ~ | # ±"),
    ("README.md", "keeps # % at half of its multiply-accumulates with `refit` and # with `reconstruct`, # and # at .35",
     "public_nets.md", "ResNet-20 | pid | 0.5 | 1024 | 10000 | refit | # | ~ | 0.5 | 1024 | 10000 | reconstruct | # | ~ "
     "ResNet-20 | pid | 0.35 | 1024 | 10000 | refit | # | ~ | 0.35 | 1024 | 10000 | reconstruct | # |"),
    ("README.md", "at .35, # and # at .7,", "public_nets.md",
     "ResNet-20 | pid | 0.7 | 1024 | 10000 | refit | # | ~ | 0.7 | 1024 | 10000 | reconstruct | # |"),
    ("README.md", "OBS keeps # and torch-pruning's L2 and Taylor criteria # and #;", "public_nets.md",
     "ResNet-20 | obs | 0.5 | 1024 | 10000 | reconstruct | # | ~ | torch-pruning l2 | 0.5 | 1024 | 10000 | reconstruct | # | ~ "
     "torch-pruning taylor | 0.5 | 1024 | 10000 | reconstruct | # |"),
    ("README.md", "at .7 these two keep # and #.", "public_nets.md", "torch-pruning l2 | 0.7 | 1024 | 10000 | reconstruct | # | ~ "
     "torch-pruning taylor | 0.7 | 1024 | 10000 | reconstruct | # |"),
    ("README.md", "still ranks before OBS (# and # of three), but its lead of # points (# to #)",
     "pruning.md", "| reconstruct | 20 | pid #, obs #, ~ repair reconstruct ~ | obs | # | # to # |"),
    ("README.md", "4,096 units, bias corrected, on disk | # CPU s, # GB |",
     "scale.md", "| 4,096 | i_broja | default | 1 | 8,386,560 | # | ~ | ~ | # |"),
    ("docs/scale.md", "a pair takes # microseconds of CPU time by I_min, # by I_BROJA and", "scale.md",
     "| 4,096 | i_min | default | 1 | ~ | ~ | # | ~ | 4,096 | i_broja | default | 1 | ~ | ~ | # |"),
    ("docs/scale.md", "4,096 units take # CPU seconds by I_min and # by I_BROJA", "scale.md",
     "| 4,096 | i_min | default | 1 | ~ | # | ~ | 4,096 | i_broja | default | 1 | ~ | # |"),
    ("docs/conclusions.md", "rank correlation with CDNV # where the networks ~ given the test accuracy (# and",
     "collapse_mlp.md", "I(X;Z given Y), CDNV sampled | ~ | # / ~ / # |"),
    ("docs/conclusions.md", "goes with tighter ones (#). ~ given the test accuracy (~ and #)",
     "collapse_mlp.md", "I(X;Z given Y), CDNV mean code | ~ | # / ~ / # |"),
    ("docs/conclusions.md", "The test cross-entropy does gain, from # to #:", "collapse_mlp.md",
     "| beta 1000 | 3 | ~ | # | ~ | beta 10 | 3 | ~ | # |"),
    ("docs/choosing.md", "| CNN, digits ~ | **# % at #** |", "training.md", "cnn/digits: cutting in mid-training ~ | fresh, 20 x the epochs, decay 0.3 | # ± ~ | ~ | # |"),
    ("docs/choosing.md", "| LSTM, digits ~ | **# % at #** |", "training.md", "lstm/digits: cutting in mid-training ~ | fresh, 20 x the epochs, decay 0 | # ± ~ | ~ | # |"),
    ("docs/choosing.md", "(MLP: `pid` #, `obs` #, `l2` #, random ~)", "training.md",
     "mlp/mnist1d: ~ | narrowing, cut at 0.5, decay 1 then 1 | # ± ~ | narrowing, obs and refit at 0.5, decay 1 then 1 | # ± ~ "
     "| narrowing, l2 and refit at 0.5, decay 1 then 1 | # ±"),
    ("docs/choosing.md", "| `pid` (default) | # | ~ `search=False` | # | ~ | `obs` | # | ~ | `pivoted_qr` | # |",
     "pruning.md", "| refit | 28 | pid #, obs searched ~, pid closed form #, obs #, pivoted_qr #,"),
    ("docs/choosing.md", "| MLP, mnist1d (dense # %)", "training.md", "mlp/mnist1d: cutting in mid-training ~ | dense, decay 0 | #"),
    ("docs/conclusions.md", "show # bits of I_BROJA synergy at 4 levels and 1,000 samples; after the default correction "
     "it is # bits", "statistics.md",
     "| 4 | 1000 | i_broja | none | ~ | ~ | ~ | # | | 4 | 1000 | i_broja | mixture | ~ | ~ | ~ | # |"),
    ("docs/conclusions.md", "the sampled code's CDNV rises from # to #,", "collapse_densenet.md",
     "| beta 1000 | 1 | ~ | ~ | ~ | ~ | ~ | # / ~ | beta 100 | 1 | ~ | ~ | ~ | ~ | ~ | # /"),
    ("docs/conclusions.md", "that of the mean code falls from # to #, and the test", "collapse_densenet.md",
     "| beta 1000 | 1 | ~ | ~ | ~ | ~ | ~ | ~ | # / ~ | beta 100 | 1 | ~ | ~ | ~ | ~ | ~ | ~ | # /"),
    ("docs/conclusions.md", "has both signs, # and", "collapse_lenet.md", "I(X;Z given Y), CDNV sampled | # /"),
    ("docs/conclusions.md", "has both signs, ~ and #,", "collapse_lenet.md", "I(X;Z given Y), CDNV mean code | # /"),
    ("docs/conclusions.md", "(CDNV #), I(X;Z|Y) a little (#, error #)", "collapse_factorial.md",
     "| CDNV mean code | # (~ | I(X;Z given Y) | # (#)"),
    ("docs/conclusions.md", "order of the five by redundancy (plain #,", "training.md",
     "mlp/mnist1d: redundancy while it learns ~ | plain | fc2 | ~ | ~ / ~ / # |"),
    ("docs/conclusions.md", "both #) is that of what a tenth of the units is worth", "training.md",
     "mlp/mnist1d: redundancy while it learns ~ | foldable 3 + decay 1 | fc2 | ~ | ~ / ~ / # |"),
    ("docs/choosing.md", "| MLP (5 seeds) | # %, whole ~ |", "training.md",
     "mlp/mnist1d: penalties, cut in one shot ~ | plain | 5 | ~ | # ±"),
    ("docs/choosing.md", "**# %, whole ~ (weight 3, with decay 1)", "training.md",
     "| foldable 3 + decay 1 | 5 | ~ | # ± "),
    ("docs/choosing.md", "whole ~ (weight 1, no decay) | **growing L2 # %,", "training.md",
     "cnn/digits: penalties, cut in one shot ~ | growing_l2 1 | 5 | ~ | # ±"),
    ("docs/choosing.md", "| LSTM (3) | ~ | **# %, whole ~ (decay 3)", "training.md",
     "lstm/digits: penalties, cut in one shot ~ | decay 3 | 3 | ~ | # ±"),
    ("docs/choosing.md", "loss (patience 5) lost # to", "training.md", "cnn/digits, clean labels: when to stop ~ | validation, 5 | # ±"),
    ("docs/choosing.md", "loss (patience 5) lost ~ to # points", "training.md", "mlp/mnist1d, clean labels: when to stop ~ | validation, 5 | # ±"),
    ("docs/choosing.md", "it gained # points on the noisy CNN at ~ of the time", "training.md",
     "When to stop: the bar ~ | prediction_changes, 2 | ~ | 0.0 / # / ~"),
    ("docs/conclusions.md", "took # of the dense energy by the card's counter, where the model says #", "devices.md",
     "**# of the energy is kept; the model says # (SRAM)"),
    ("docs/conclusions.md", "`canonical` is # nats on the eight tasks it was made on and # on ten others",
     "information.md", "the eight tasks: mean error, nats | ~ | # | ~ ten tasks of other families, nats | said | # |"),
]  # fmt: skip


def rows(results: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    text = (ROOT / "benchmarks" / "results" / results).read_text(encoding="utf-8")
    lines = text.split(f"\n## {heading}\n")[1].split("\n## ")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][
        2:
    ]


def ends(cells: Iterable[str]) -> list[int]:
    """The least and the largest of some shares, in percent; "-" is none."""
    shares = [round(100 * float(cell)) for cell in cells if cell != "-"]
    return [min(shares), max(shares)]


def numbers(path: Path, words: str) -> list[str]:
    """The numbers that stand in a page where the words have "#"; "~" is anything."""
    pattern = re.escape(" ".join(words.split())).replace(r"\#", NUMBER).replace(r"\~", ".*?")
    found = re.search(pattern, " ".join(path.read_text(encoding="utf-8").split()))
    assert found, f"{path.name} does not say: {words}"
    return [text.rstrip(".") for text in found.groups()]


def unit(text: str) -> float:
    """What the last digit of a printed number is worth; zeros at the end of a whole number are not digits."""
    whole, _, decimals = text.replace(",", "").partition(".")
    return 10.0 ** -len(decimals) if decimals else 10.0 ** (len(whole) - len(whole.rstrip("0")))


def value(text: str) -> float:
    return float(text.replace(",", ""))


@pytest.mark.parametrize(("page", "words", "results", "there"), CLAIMS, ids=lambda text: text[:40])
def test_a_page_says_what_was_measured(page, words, results, there):
    said = numbers(ROOT / page, words)
    measured = numbers(ROOT / "benchmarks" / "results" / results, there)
    assert len(said) == len(measured)
    wrong = [
        (a, b) for a, b in zip(said, measured, strict=True) if abs(value(a) - value(b)) > 0.5001 * unit(a)
    ]
    assert not wrong


def test_the_ends_of_the_shares_of_intervals():
    planted = rows("statistics.md", "Share of 95 % intervals that hold the truth")
    others = rows(
        "statistics.md",
        "Share of 95 % intervals that hold the truth, other families: N = 1,000, 4 levels, 10 classes",
    )
    planted_ends, other_ends = ends(row[7] for row in planted), ends(row[6] for row in others)
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert "held the truth in {} to {} % of planted".format(*planted_ends) in readme
    assert "in {} to {} % of those of 20 other families".format(*other_ends) in readme
    page = " ".join((ROOT / "docs" / "conclusions.md").read_text().split())
    assert "hold {} to {} % of the atoms that are not 0".format(*planted_ends) in page
    assert "it is {} to {} %; of a single".format(*other_ends) in page
    exact = [row[7] for row in others if row[:2] != ["sum modulo classes", "i_ccs"]]
    assert "lies inside in {} to {} %".format(*ends(exact)) in page


@pytest.mark.parametrize(
    ("setting", "words", "columns"),
    [
        ("4 levels, 10 classes, N = 1,000", "over the 20 families is # bits there; next come the jackknife (#)", [10, 5]),
        ("8 levels, 10 classes, N = 1,000", "At 8 levels it is #, next the best upper bound with #;", [10, 7]),
        ("4 levels, 10 classes, N = 200", "at 200 samples # and #.", [10, 7]),
    ],
)  # fmt: skip
def test_the_mean_errors_of_information_are_those_of_the_table(setting, words, columns):
    table = rows("corrections.md", f"I(Y;X1X2) by other estimators: {setting}")
    said = numbers(ROOT / "docs" / "choosing.md", words)
    for text, column in zip(said, columns, strict=True):
        mean = sum(abs(value(row[column].split()[0])) for row in table) / len(table)
        assert abs(value(text) - mean) <= 0.5001 * unit(text)


def test_the_bands_of_a_profile_are_called_what_they_are():
    """Fault F7: the notebook called them a bootstrap over units; each unit is left out once."""
    text = (ROOT / "notebooks" / "3_synergy_and_redundancy.ipynb").read_text()
    assert "a jackknife over *units*" in text
    assert "bootstrap over" not in text


def test_a_wrong_figure_is_noticed():
    assert (unit("96,500"), unit("0.125"), unit("70"), unit("1.9")) == (100, 0.001, 10, 0.1)
