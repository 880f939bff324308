"""The page in headless Chromium: it opens offline, without an error, and answers to mouse and keyboard.

PIDNET_BROWSER=required (as CI has it) makes a missing browser a failure.
"""

import os
import re
import shutil
from html import unescape

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from pidnet.report import page as report_page, write_report
from pidnet.runs import read_run
from tests.small_run import EVIL

CHROMIUM = shutil.which("chromium")
PATIENCE = 120_000  # milliseconds, on a machine that is busy with other tests
ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]

expect.set_options(timeout=PATIENCE)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("PIDNET_BROWSER") != "required",
    reason="chromium is not installed",
)


@pytest.fixture(scope="module")
def tab(run_folder, tmp_path_factory):
    """The open page, and the errors that it says."""
    path = write_report(run_folder, tmp_path_factory.mktemp("page") / "report.html")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=CHROMIUM or "chromium",
            args=ARGUMENTS,
            offline=True,
            timeout=PATIENCE,
        )
        browser.set_default_timeout(PATIENCE)
        opened, said = browser.new_page(), []
        opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.goto(path.as_uri())
        opened.wait_for_selector("body[data-ready]", timeout=PATIENCE)
        yield opened, said
        browser.close()


def test_a_wide_layer_opens_as_tiles_with_the_nearest_of_each_unit(tab, run_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(report_page, "MOST_PAIRS", 0)
    other, said = tab[0].context.new_page(), []
    other.on("pageerror", lambda error: said.append(str(error)))
    other.goto(write_report(run_folder, tmp_path / "report.html").as_uri())
    other.wait_for_selector("body[data-wide]", timeout=PATIENCE)
    other.select_option("#wide-map", label="fc2, i_min")
    expect(other.locator("#wide-card")).to_contain_text("of fc2")
    other.fill("#wide-unit", "1")
    first = other.locator("#wide-card table").last.locator("tbody tr").first
    partner, *atoms = first.inner_text().split()
    layer_map = read_run(run_folder).maps[1]
    assert int(partner) == np.nanargmax(layer_map.matrix("synergy")[1])
    assert float(atoms[-1]) == pytest.approx(layer_map.matrix("synergy")[1, int(partner)], abs=8e-4)
    first.locator("button").press("Enter")
    expect(other.locator("#wide-card h3")).to_have_text(f"Unit {partner} of fc2")
    assert other.locator("#tiles .main-svg").count() > 0
    assert other.locator("#wide-card").evaluate("card => card.scrollWidth <= card.clientWidth")
    assert Axe().run(other).violations_count == 0
    assert said == []
    other.close()


@pytest.fixture
def page(tab):
    """The page as it opened; no error may have been said when the test ends."""
    opened, said = tab
    opened.set_viewport_size({"width": 1280, "height": 900})
    opened.evaluate("(at('map').value = 0, chooseMap())")
    yield opened
    assert said == []


def test_every_figure_is_drawn(page):
    for name in ("profile", "heat", "network", "curve", "layer-energy", "plane", "training-curves", "losses"):
        assert page.locator(f"#{name} .main-svg").count() > 0, name


def test_a_click_on_a_unit_shows_its_partners(page):
    dots = page.locator("#network .scatterlayer .trace").last.locator(".point")
    dots.nth(3).scroll_into_view_if_needed()
    box = dots.nth(3).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    unit = page.evaluate("shown.units[3]")
    assert f"Unit {unit} of {EVIL}" in page.inner_text("#card")
    partners = page.evaluate("shown.partners[3].map(([other, bits]) => `${other}: ${bits.toFixed(3)} bits`)")
    assert partners
    for partner in partners:
        assert partner in page.inner_text("#card")
    assert "budget 0.5:" in page.inner_text("#card")


def test_the_keyboard_reaches_units_and_partners(page):
    page.locator("#unit").focus()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("2")
    page.keyboard.press("Tab")
    assert "Unit 2 of" in page.inner_text("#card h3")
    first = page.locator("#card button").first
    partner = first.inner_text().partition(":")[0]
    assert first.evaluate("button => button === document.activeElement")
    page.keyboard.press("Enter")
    assert f"Unit {partner} of" in page.inner_text("#card h3")


def test_a_pair_is_read_as_the_library_has_it(page, run_folder):
    layer_map = read_run(run_folder).maps[1]
    page.select_option("#map", label="fc2, i_min")
    expect(page.locator("#card")).to_contain_text("of fc2")
    for first, second in ((1, 3), (3, 1)):
        page.fill("#first", str(first))
        page.fill("#second", str(second))
        text = " ".join(page.inner_text("#pair").split())
        for name, label in (
            ("redundancy", "redundancy"),
            ("unique1", f"only unit {first}"),
            ("synergy", "synergy"),
        ):
            bits = layer_map.matrix(name)[first, second]
            shown = float(text.split(f"{label} ")[1].split()[0])
            assert shown == pytest.approx(bits, abs=8e-4), label


def heat_map(page):
    """Where it lies on the screen, and its units, once the scrolling is over, which would hide what stands at the pointer."""
    area = page.locator("#heat .nsewdrag")
    area.scroll_into_view_if_needed()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return area.bounding_box(), page.evaluate("shown.units")


def test_pointing_at_the_heat_map_reads_the_pair(page):
    page.select_option("#order", "number")
    box, units = heat_map(page)
    side = box["width"] / len(units), box["height"] / len(units)
    page.mouse.move(box["x"] + 5.5 * side[0], box["y"] + 2.5 * side[1])
    expect(page.locator("#pair")).to_contain_text(f"Units {units[2]} and {units[5]} of")


def test_the_pointer_carries_all_that_is_known_of_the_pair(page, run_folder):
    page.select_option("#map", label="fc2, i_min")
    expect(page.locator("#card")).to_contain_text("of fc2")
    page.select_option("#order", "number")
    box, units = heat_map(page)
    side = box["width"] / len(units), box["height"] / len(units)
    page.mouse.move(box["x"] + 3.5 * side[0], box["y"] + 1.5 * side[1])
    tip = page.locator("#tip")
    expect(tip).to_contain_text(f"fc2: units {units[1]} and {units[3]}")
    layer_map = read_run(run_folder).maps[1]
    first, second = units[1], units[3]
    for name, label in (
        ("redundancy", "redundancy"),
        ("unique1", f"only unit {first}"),
        ("unique2", f"only unit {second}"),
        ("synergy", "synergy"),
    ):
        (line,) = (line for line in tip.inner_text().splitlines() if re.match(rf"{label} -?\d", line))
        low, high = (float(end) for end in re.findall(r"-?\d\.\d+", line)[1:])
        bits = layer_map.matrix(name)[first, second]
        assert float(re.findall(r"-?\d\.\d+", line)[0]) == pytest.approx(bits, abs=8e-4), label
        assert low < bits < high, label
    assert "gap exact" in tip.inner_text()
    assert "beyond chance (p" in tip.inner_text()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def joint_counts(run_folder, layer, first, second):
    """Samples by code, code and class, from the run folder."""
    codes = read_run(run_folder).sections.codes
    values = codes.layers[layer].values.numpy()
    found = np.zeros((codes.levels, codes.levels, len(codes.classes)), int)
    np.add.at(found, (values[:, first], values[:, second], codes.target.numpy()), 1)
    return found


def test_a_card_has_the_codes_of_both_units_by_class(page, run_folder):
    page.select_option("#map", label="fc2, i_min")
    expect(page.locator("#card")).to_contain_text("of fc2")
    page.fill("#first", "1")
    page.fill("#second", "3")
    expected = joint_counts(run_folder, "fc2", 1, 3)
    assert page.locator("#pair svg .back").count() == 10
    assert page.locator("#pair svg rect:not(.back)").count() == (expected > 0).sum()
    assert "the table of codes has the counts" in page.locator("#pair svg").get_attribute("aria-label")
    page.locator("#pair summary").focus()
    page.keyboard.press("Enter")
    rows = page.locator("#pair tbody tr").all_inner_texts()
    read = [[int(word) for word in row.split()] for row in rows]
    seen = [(a, b) for a in range(3) for b in range(3) if expected[a, b].any()]
    assert [tuple(row[:2]) for row in read] == seen
    assert [row[2:] for row in read] == [expected[a, b].tolist() for a, b in seen]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Samples by codes and class"


def test_the_squares_are_at_the_pointer_too(page):
    page.select_option("#order", "number")
    box, units = heat_map(page)
    page.mouse.move(box["x"] + 2.5 * box["width"] / len(units), box["y"] + 0.5 * box["height"] / len(units))
    expect(page.locator("#tip")).to_contain_text(f"units {units[0]} and {units[2]}")
    assert page.locator("#tip svg .back").count() == 10
    tip = page.locator("#tip").bounding_box()
    assert tip["y"] + tip["height"] <= 900


def test_a_training_is_drawn_by_quantity(page):
    page.select_option("#quantity", "synergy")
    expect(page.locator("#training-curves")).to_contain_text("synergy, share of the pair's information")


def test_a_name_is_shown_and_not_run(page):
    assert page.evaluate("typeof hacked") == "undefined"
    assert f"…{EVIL[-17:]}" in page.inner_text("#profile")
    assert page.locator("#map option").first.inner_text() == f"{EVIL}, i_min"


@pytest.mark.parametrize("width", [360, 640])
def test_nothing_is_wider_than_a_phone_or_a_page_at_twice_its_size(page, width):
    page.set_viewport_size({"width": width, "height": 780})
    expect(page.locator("html")).to_have_js_property("scrollWidth", width)


def test_a_map_opens_with_its_most_redundant_pair(page, run_folder):
    layer_map = read_run(run_folder).maps[0]
    first, second = layer_map.pairs[layer_map.atoms.redundancy.argmax()]
    expect(page.locator("#pair h3")).to_have_text(f"Units {first} and {second} of {EVIL}")


def test_no_two_of_ten_layers_look_alike(page):
    looks = page.evaluate("Array.from({ length: 10 }, (_, index) => JSON.stringify(look(index)))")
    assert len(set(looks)) == 10


def test_long_names_of_layers_are_told_apart_on_an_axis(page):
    stages = [f"backbone.stage.{k}.blocks.{j}.depthwise_separable" for k in range(2) for j in range(3)]
    for names in (stages, stages[::3], ["fc1", EVIL], [f"{k}" + 40 * "x" for k in range(12)], ["a" * 30]):
        shown = page.evaluate("(names) => shorts(names)", names)
        assert len(set(shown)) == len(names)
        assert max(len(unescape(name)) for name in shown) < 30
    assert page.evaluate("(names) => shorts(names)", stages[:2]) == [
        f"…blocks.{j}…separable" for j in range(2)
    ]


def test_the_widths_of_a_plan_are_marked_on_its_curves(page, run_folder):
    (plan,) = (budget.plan for budget in read_run(run_folder).budgets if budget.plan.curves)
    marks = page.evaluate(
        "at('losses').data.filter((one) => !('line' in one)).map((one) => [one.x[0], one.y[0]])"
    )
    assert [share for share, _ in marks] == [plan.widths[name] / plan.units[name] for name in plan.curves]
    bits = [np.interp(plan.widths[name], *np.array(sorted(points)).T) for name, points in plan.curves.items()]
    assert [height for _, height in marks] == pytest.approx(bits)


def test_figures_take_the_colors_of_the_paper_when_it_changes(page):
    for scheme, ink in (("dark", "rgb(228, 232, 238)"), ("light", "rgb(28, 36, 48)")):
        page.emulate_media(color_scheme=scheme)
        for name in ("profile", "heat", "network", "curve", "plane", "losses"):
            expect(page.locator(f"#{name} .main-svg text").first).to_have_css("fill", ink)


def test_in_print_one_sees_which_map_is_drawn(page):
    page.emulate_media(media="print")
    assert page.locator("#map").is_visible()
    assert page.locator("nav").is_hidden()
    page.emulate_media(media="screen")


def test_the_squares_of_a_plan_differ_without_the_colors_of_the_page(page):
    page.emulate_media(forced_colors="active")
    ground = "(square) => getComputedStyle(square).backgroundColor"
    kept = page.locator(".strip .kept").first.evaluate(ground)
    assert kept != page.locator(".strip i:not(.kept)").first.evaluate(ground)
    page.emulate_media(forced_colors="none")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing_to_mend(page, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
