"use strict";
// The heat map, the graph, and the cards of the pair and the unit that were chosen.
let shown = null;
// What the p-values of a map test against.
const NULLS = { units: "units without information", labels: "pairs without information", sources: "units that are independent in each class" };

async function unpackAll(packed, how = unpack) {
  const values = await Promise.all(Object.values(packed).map((one) => how(one)));
  return Object.fromEntries(Object.keys(packed).map((name, index) => [name, values[index]]));
}

async function chooseMap() {
  const map = data.maps[at("map").value];
  const atoms = { ...await unpackAll(map.atoms), gap: await unpackLogarithm(map.gap) };
  const tests = {};
  for (const [name, test] of Object.entries(map.tests)) {
    tests[name] = { p: await unpackLogarithm(test.p), significant: await unpack(test.significant) };
  }
  const intervals = await unpackAll(map.intervals, (ends) => Promise.all(ends.map(unpack)));
  shown = { ...map, atoms, tests, intervals, codes: await openCodes(map.layer), place: new Map(map.units.map((unit, index) => [unit, index])) };
  for (const id of ["first", "second", "unit"]) at(id).max = Math.max(...map.units);
  drawHeat();
  drawNetwork();
  showPair(...mostRedundant());
  showUnit(map.units[map.unit_information.indexOf(Math.max(...map.unit_information))]);
}

// The pair that a map opens with.
function mostRedundant() {
  const { units, atoms: { redundancy } } = shown;
  let [most, best, where] = [-Infinity, [units[0], units[1]], 0];
  for (let i = 0; i < units.length; i += 1) {
    for (let j = i + 1; j < units.length; j += 1, where += 1) {
      if (redundancy[where] > most) [most, best] = [redundancy[where], [units[i], units[j]]];
    }
  }
  return best;
}

// Where the pair i < j stands in the upper triangle.
const triangle = (i, j) => i * shown.units.length - (i * (i + 1)) / 2 + (j - i - 1);

// "unique": the unique information of unit i beside unit j.
const stored = (atom, i, j) => (atom !== "unique" ? atom : i < j ? "unique1" : "unique2");

function value(atom, i, j) {
  if (i === j) return NaN;
  const where = triangle(Math.min(i, j), Math.max(i, j));
  const values = shown.atoms[stored(atom, i, j)];
  return values ? values[where] : shown.unit_information[i] - shown.atoms.redundancy[where];
}

function unitOrder() {
  const order = shown.units.map((_, index) => index);
  if (at("order").value === "similar") return shown.similar.map((unit) => shown.place.get(unit));
  if (at("order").value === "unit_information") order.sort((a, b) => shown.unit_information[b] - shown.unit_information[a]);
  return order;
}

function drawHeat() {
  const atom = at("atom").value;
  const order = unitOrder();
  const names = order.map((index) => String(shown.units[index]));
  const z = order.map((i) => Float32Array.from(order, (j) => value(atom, i, j)));
  const axis = { type: "category", showgrid: false, nticks: 8, constrain: "domain" };
  Plotly.react("heat", [{
    type: "heatmap", x: names, y: names, z, colorscale: "Cividis", hoverongaps: false, hoverinfo: "none",
    colorbar: { title: { text: "bits", side: "right" }, thickness: 12 },
  }], layout({ xaxis: { ...axis, title: { text: "unit" } }, yaxis: { ...axis, autorange: "reversed" } }), config);
}

function drawNetwork() {
  const { x, y, edges } = shown.drawing;
  const strokes = [[0, 0.33, "#c9d0d9"], [0.33, 0.66, "#8792a1"], [0.66, 1.01, "#2e3947"]].map(([low, high, color]) => {
    const some = edges.filter((edge) => edge[2] >= low && edge[2] < high);
    return { mode: "lines", hoverinfo: "skip", showlegend: false, line: { color, width: 1 },
      x: some.flatMap(([i, j]) => [x[i], x[j], null]), y: some.flatMap(([i, j]) => [y[i], y[j], null]) };
  });
  const size = Math.max(6, Math.min(14, 260 / Math.sqrt(x.length * 2)));
  const ring = { mode: "lines+markers", hoverinfo: "skip", showlegend: false, x: [], y: [],
    line: { color: "#d55e00", width: 2 }, marker: { size: size + 7, symbol: "circle-open", color: "#d55e00", line: { width: 3 } } };
  const dots = { mode: "markers", x, y, customdata: shown.units, showlegend: false,
    text: shown.units.map((unit, index) => `unit ${unit}: ${shown.unit_information[index].toFixed(3)} bits`),
    hovertemplate: "%{text}<extra></extra>",
    marker: { size, color: shown.unit_information, colorscale: "Cividis", line: { width: 0.5, color: "#fff" },
      colorbar: { title: { text: "information of a unit, bits", side: "right" }, thickness: 12 } } };
  const hidden = { visible: false };
  Plotly.react("network", [...strokes, ring, dots], layout({ xaxis: hidden, yaxis: hidden, hovermode: "closest",
    margin: { l: 8, r: 8, t: 8, b: 8 } }), config);
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function definitions(rows) {
  const list = document.createElement("dl");
  for (const [name, text] of rows) list.append(element("dt", name), element("dd", text));
  return list;
}

const bits = (number) => (Number.isFinite(number) ? `${number.toFixed(3)} bits` : "no answer");

const bound = (gap) => (gap === 0 ? "exact" : gap < 0.0005 ? "below 0.0005 bits" : gap > 1000 ? "no bound" : bits(gap));

function withInterval(atom, i, j) {
  const ends = shown.intervals[stored(atom, i, j)];
  const where = triangle(Math.min(i, j), Math.max(i, j));
  const between = ends ? ` (${ends[0][where].toFixed(3)} to ${ends[1][where].toFixed(3)})` : "";
  return bits(value(atom, i, j)) + between;
}

// The figures of a pair: [name, text] of the atoms, the gap and the tests.
function pairRows(i, j) {
  const [first, second] = [shown.units[i], shown.units[j]];
  const where = triangle(Math.min(i, j), Math.max(i, j));
  const rows = [["redundancy", withInterval("redundancy", i, j)], [`only unit ${first}`, withInterval("unique", i, j)],
    [`only unit ${second}`, withInterval("unique", j, i)], ["synergy", withInterval("synergy", i, j)],
    ["gap", bound(value("gap", i, j))]];
  for (const [atom, test] of Object.entries(shown.tests)) {
    const verdict = test.significant[where] > 0.5 ? "beyond chance" : "not beyond chance";
    rows.push([`${atom} is`, `${verdict} (p ${test.p[where] < 0.0001 ? "< 0.0001" : `= ${test.p[where].toPrecision(2)}`})`]);
  }
  return rows;
}

function showTip({ event, points: [{ x, y }] }) {
  const [i, j] = [shown.place.get(Number(y)), shown.place.get(Number(x))];
  const tip = at("tip");
  tip.hidden = i === j;
  if (i === j) return;
  tip.textContent = [`${shown.layer}: units ${y} and ${x}`, ...pairRows(i, j).map((row) => row.join(" "))].join("\n");
  if (shown.codes) tip.append(jointPicture(shown.codes, jointCounts(shown.codes, Number(y), Number(x)), y, x));
  const { offsetWidth: width, offsetHeight: height } = tip;
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 8))}px`;
  tip.style.top = `${event.clientY + height + 24 > innerHeight ? event.clientY - height - 14 : event.clientY + 14}px`;
}

function showPair(first, second) {
  const [i, j] = [shown.place.get(first), shown.place.get(second)];
  [at("first").value, at("second").value] = [first, second];
  if (i === undefined || j === undefined || i === j) {
    at("pair").replaceChildren(element("p", i === j ? "Choose two units." : "One of these units does not vary or does not exist."));
    return;
  }
  at("pair").replaceChildren(element("h3", `Units ${first} and ${second} of ${shown.layer}`), definitions(pairRows(i, j)),
    element("p", !Object.keys(shown.tests).length ? "Redundancy and synergy were not tested."
      : `Tested against ${NULLS[shown.null] ?? `the null "${shown.null}"`}; of the pairs beyond chance at most 5 % are expected to be false.`),
    ...(Object.keys(shown.intervals).length ? [element("p", "In brackets: 95 % intervals over the samples.")] : []),
    ...jointCard(shown.codes, first, second));
}

function unitButtons(rows, text) {
  const holder = document.createElement("div");
  for (const row of rows) {
    const button = element("button", text(row));
    button.type = "button";
    button.addEventListener("click", () => { showUnit(row[0]); at("unit").focus(); });
    holder.append(button);
  }
  if (!rows.length) holder.append(element("p", "nobody"));
  return holder;
}

function fate(unit) {
  const list = document.createElement("ul");
  for (const plan of data.plans) {
    const layer = plan.layers[shown.layer];
    if (layer) list.append(element("li", `budget ${plan.name}: ${unit in layer ? `goes; ${layer[unit]}` : "stays"}`));
  }
  return list.childElementCount ? [element("h4", "In the plan"), list] : [];
}

function showUnit(unit) {
  at("unit").value = unit;
  const index = shown.place.get(unit);
  if (index === undefined) {
    at("card").replaceChildren(element("p", `Unit ${unit} does not vary or does not exist.`));
    return;
  }
  const partners = shown.partners[index];
  at("card").replaceChildren(element("h3", `Unit ${unit} of ${shown.layer}`),
    element("p", `Carries ${shown.unit_information[index].toFixed(3)} bits about the target by itself.`),
    element("h4", "Most redundant with"),
    element("p", "Bits that they share, and these as a share of what the pair carries."),
    unitButtons(partners, ([other, shared, share]) => `${other}: ${shared.toFixed(3)} bits, ${Math.round(share * 100)} %`),
    element("h4", "Could be replaced by"),
    unitButtons(shown.replacers[index], ([other, lost]) => `${other}: loses ${Math.max(lost, 0).toFixed(3)} bits`),
    ...fate(unit));
  const path = partners.flatMap(([other]) => [index, shown.place.get(other)]);
  const points = path.length ? path : [index];
  Plotly.restyle("network", { x: [points.map((i) => shown.drawing.x[i])], y: [points.map((i) => shown.drawing.y[i])] }, [3]);
}

if (at("map") && data.maps.length) {
  at("map").append(...data.maps.map((map, index) => option(index, `${map.layer}, ${map.measure}`)));
  at("map").addEventListener("change", chooseMap);
  for (const id of ["atom", "order"]) at(id).addEventListener("change", drawHeat);
  // "input", not "change": that one comes while the focus moves on, and would take the next button away.
  const typed = (id) => (at(id).value === "" ? NaN : Number(at(id).value));
  for (const id of ["first", "second"]) {
    at(id).addEventListener("input", () => { if (typed(id) >= 0) showPair(typed("first"), typed("second")); });
  }
  at("unit").addEventListener("input", () => { if (typed("unit") >= 0) showUnit(typed("unit")); });
  chooseMap().then(() => {
    for (const event of ["plotly_hover", "plotly_click"]) {
      at("heat").on(event, ({ points: [{ x, y }] }) => showPair(Number(y), Number(x)));
    }
    at("heat").on("plotly_hover", showTip);
    const hideTip = () => { at("tip").hidden = true; };
    at("heat").on("plotly_unhover", hideTip);
    for (const event of ["resize", "scroll"]) addEventListener(event, hideTip, { passive: true });
    addEventListener("keydown", ({ key }) => { if (key === "Escape") hideTip(); });
    drawn.push(() => { drawHeat(); drawNetwork(); showUnit(Number(at("unit").value)); });
    at("network").on("plotly_click", ({ points: [point] }) => showUnit(point.customdata));
    document.body.dataset.ready = "yes";
  });
} else document.body.dataset.ready = "yes";
