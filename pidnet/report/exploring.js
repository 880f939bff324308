"use strict";
// The heat map, the graph, and the cards of the pair and the unit that were chosen.
let shown = null;

async function unpack({ low, step, deflated }) {
  const bytes = Uint8Array.from(atob(deflated), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const codes = new Uint16Array(await new Response(stream).arrayBuffer());
  return Float32Array.from(codes, (code) => (code === 65535 ? NaN : low + code * step));
}

async function unpackAll(packed) {
  const values = await Promise.all(Object.values(packed).map(unpack));
  return Object.fromEntries(Object.keys(packed).map((name, index) => [name, values[index]]));
}

async function chooseMap() {
  const map = data.maps[at("map").value];
  const atoms = await unpackAll(map.atoms);
  const tests = {};
  for (const [name, test] of Object.entries(map.tests)) tests[name] = await unpackAll(test);
  shown = { ...map, atoms, tests, place: new Map(map.units.map((unit, index) => [unit, index])) };
  for (const id of ["first", "second", "unit"]) at(id).max = Math.max(...map.units);
  drawHeat();
  drawNetwork();
  showPair(map.units[0], map.units[1]);
  showUnit(map.units[map.information.indexOf(Math.max(...map.information))]);
}

// Where the pair i < j stands in the upper triangle.
const triangle = (i, j) => i * shown.units.length - (i * (i + 1)) / 2 + (j - i - 1);

function value(atom, i, j) {
  if (i === j) return NaN;
  const where = triangle(Math.min(i, j), Math.max(i, j));
  if (atom === "unique") return shown.atoms[i < j ? "unique1" : "unique2"][where];
  return shown.atoms[atom][where];
}

function unitOrder() {
  const order = shown.units.map((_, index) => index);
  if (at("order").value === "similar") return shown.similar.map((unit) => shown.place.get(unit));
  if (at("order").value === "information") order.sort((a, b) => shown.information[b] - shown.information[a]);
  return order;
}

function drawHeat() {
  const atom = at("atom").value;
  const order = unitOrder();
  const names = order.map((index) => String(shown.units[index]));
  const z = order.map((i) => Float32Array.from(order, (j) => value(atom, i, j)));
  const axis = { type: "category", showgrid: false, nticks: 8, constrain: "domain" };
  Plotly.react("heat", [{
    type: "heatmap", x: names, y: names, z, colorscale: "Cividis", hoverongaps: false,
    colorbar: { title: { text: "bits", side: "right" }, thickness: 12 },
    hovertemplate: `unit %{y} and unit %{x}<br>${atom} %{z:.4f} bits<extra></extra>`,
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
    text: shown.units.map((unit, index) => `unit ${unit}: ${shown.information[index].toFixed(3)} bits`),
    hovertemplate: "%{text}<extra></extra>",
    marker: { size, color: shown.information, colorscale: "Cividis", line: { width: 0.5, color: "#fff" },
      colorbar: { title: { text: "what a unit knows, bits", side: "right" }, thickness: 12 } } };
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

const bits = (number) => (Number.isFinite(number) ? `${number.toFixed(4)} bits` : "no answer");

const bound = (gap) => (gap === 0 ? "exact" : gap < 0.0001 ? "below 0.0001 bits" : bits(gap));

function showPair(first, second) {
  const [i, j] = [shown.place.get(first), shown.place.get(second)];
  [at("first").value, at("second").value] = [first, second];
  if (i === undefined || j === undefined || i === j) {
    at("pair").replaceChildren(element("p", i === j ? "Choose two units." : "One of these units does not vary or does not exist."));
    return;
  }
  const where = triangle(Math.min(i, j), Math.max(i, j));
  const rows = [["redundancy", bits(value("redundancy", i, j))], [`only unit ${first}`, bits(value("unique", i, j))],
    [`only unit ${second}`, bits(value("unique", j, i))], ["synergy", bits(value("synergy", i, j))],
    ["gap", bound(value("gap", i, j))]];
  for (const [atom, test] of Object.entries(shown.tests)) {
    const verdict = test.significant[where] > 0.5 ? "beyond chance" : "not beyond chance";
    rows.push([`${atom} is`, `${verdict} (p ${test.p[where] < 0.0001 ? "< 0.0001" : `= ${test.p[where].toFixed(4)}`})`]);
  }
  at("pair").replaceChildren(element("h3", `Units ${first} and ${second} of ${shown.layer}`), definitions(rows),
    element("p", !Object.keys(shown.tests).length ? "Redundancy and synergy were not tested."
      : `Tested against the null "${shown.null}", at most 5 % false among the pairs kept.`));
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
    element("p", `Knows ${shown.information[index].toFixed(3)} bits about the label by itself.`),
    element("h4", "Most redundant with"),
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
    at("network").on("plotly_click", ({ points: [point] }) => showUnit(point.customdata));
    document.body.dataset.ready = "yes";
  });
} else document.body.dataset.ready = "yes";
