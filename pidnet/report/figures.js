"use strict";
// Shared by both scripts: the data, elements, and texts that Plotly must not read as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const narrow = matchMedia("(max-width: 45rem)").matches;
const config = { responsive: true, displaylogo: false, displayModeBar: false };
// Okabe and Ito's colors on light and on dark paper, apart for every kind of color vision; shape and dash say the same again,
// and tell the sixth layer from the first.
const dark = matchMedia("(prefers-color-scheme: dark)");
const colors = [["#0072b2", "#56b4e9"], ["#d55e00", "#ff8c42"], ["#009e73", "#2fc79b"], ["#cc79a7", "#e39cc4"], ["#555555", "#bbbbbb"]];
const shapes = [
  { symbol: "circle", dash: "solid", fill: "" },
  { symbol: "square", dash: "dash", fill: "/" },
  { symbol: "diamond", dash: "dot", fill: "x" },
  { symbol: "cross", dash: "dashdot", fill: "." },
  { symbol: "triangle-up", dash: "longdash", fill: "\\" },
];
const look = (index) => ({ color: colors[index % 5][Number(dark.matches)], ...shapes[(index + Math.floor(index / 5)) % 5] });

// Figures hold the colors that they were drawn with: when the paper changes, as for print, they are drawn again.
const drawn = [];
function draws(draw) {
  drawn.push(draw);
  draw();
}
dark.addEventListener("change", () => drawn.forEach((draw) => draw()));

// A color of the page, light or dark.
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Names of layers where there is little room, and the pointer reads the whole: their ends; where those are alike, what is
// before the part that is; where that is alike as well, their numbers.
function shorts(names) {
  const ends = names.map((name) => (name.length > 18 ? `…${name.slice(-17)}` : name));
  const told = names.map((name, index) => {
    const alike = names.filter((_, other) => ends[other] === ends[index]);
    let same = 0;
    while (same < name.length && alike.every((other) => other.at(-1 - same) === name.at(-1 - same))) same += 1;
    return alike.length < 2 ? ends[index] : `…${name.slice(0, -same).slice(-8)}…${name.slice(-9)}`;
  });
  return told.map((text, index) => plain(told.indexOf(text) === told.lastIndexOf(text) ? text : `${index + 1}: ${text}`));
}

function layout(more) {
  const small = { size: narrow ? 11 : 13, family: "system-ui, sans-serif", color: ink("--ink") };
  const margin = { l: narrow ? 48 : 60, r: 12, t: 12, b: 48 };
  const lines = { gridcolor: ink("--line"), zerolinecolor: ink("--line"), linecolor: ink("--line") };
  const clear = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
  const axes = { xaxis: { ...lines, ...more.xaxis }, yaxis: { ...lines, ...more.yaxis } };
  return { font: small, margin, dragmode: false, legend: { orientation: "h", y: 1.02, yanchor: "bottom" }, ...clear, ...more, ...axes };
}

// An axis of layers, at the places 0, 1, ...; a figure of few layers is not drawn over the whole width. Names stand upright
// where they have no room: a sloping one at the edge would be left out.
function layerAxis(id, layers) {
  const ticktext = shorts(layers), longest = 7.5 * Math.max(...ticktext.map((text) => text.length));
  at(id).style.maxWidth = `${Math.max(28, (longest > 100 ? 12 : 9) * layers.length)}rem`;
  const room = (at(id).clientWidth - 80) / layers.length;
  return { tickvals: layers.map((_, index) => index), ticktext, automargin: true, tickangle: longest < room ? 0 : -90,
    range: [-0.5, layers.length - 0.5] };
}

function option(value, text) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = text;
  return made;
}

function drawProfile() {
  const made = data.profiles.find((one) => one.measure === at("measure").value);
  const places = made.layers.map((_, index) => index);
  const layers = made.layers.map(plain);
  const traces = Object.entries(made.atoms).flatMap(([atom, { share, low, high, noise_floor }], index) => {
    const { color, symbol, dash } = look(index);
    const above = high.map((end, k) => end - share[k]);
    const below = low.map((end, k) => share[k] - end);
    return [
      { x: places, y: share, name: atom, text: layers, hovertemplate: "%{text}: %{y:.1%}", line: { color, dash }, marker: { color, symbol, size: 9 }, mode: "lines+markers",
        error_y: { array: above, arrayminus: below, symmetric: false, thickness: 1.4, color } },
      { x: places, y: noise_floor, mode: "markers", text: layers, hovertemplate: "%{text}: %{y:.1%}", showlegend: false, name: `chance, ${atom}`,
        marker: { symbol: "line-ew-open", size: 16, color, line: { width: 2 } } },
    ];
  });
  Plotly.react("profile", traces, layout({ xaxis: layerAxis("profile", made.layers),
    yaxis: { title: { text: "share of the pair's information" }, rangemode: "tozero", tickformat: ".0%" } }), config);
  const chance = made.atoms.synergy.noise_floor.some((value) => value !== null);
  at("profile-ends").textContent = `Whiskers: 95 % intervals over ${made.interval}. `
    + (chance ? "Level strokes: the 95th percentile among pairs that carry no information about the target." : "");
}

function drawCurve() {
  const traces = data.curves.map((curve, index) => {
    const { color, symbol, dash } = look(index);
    const order = curve.nanojoules.map((_, i) => i).sort((a, b) => curve.nanojoules[a] - curve.nanojoules[b]);
    const take = (values) => order.map((i) => values[i]);
    const label = (i) => `${curve.names[i]}${curve.front[i] ? "" : ", beaten"}`;
    return { x: take(curve.nanojoules), y: take(curve.accuracy), mode: "lines+markers+text",
      cliponaxis: false, text: order.map((i) => plain(curve.names[i])), textposition: order.map((_, place) => (place % 2 ? "top center" : "bottom center")), hovertext: order.map(label),
      hovertemplate: "%{hovertext}: %{y:.1%} at %{x:.4g} nJ<extra></extra>",
      name: `modelled, all in ${curve.where.toUpperCase()}`, line: { color, dash },
      marker: { color, size: 10, symbol: order.map((i) => symbol + (curve.front[i] ? "" : "-open")) } };
  });
  const all = data.curves.flatMap((curve) => curve.accuracy);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const room = Math.max(0.02, 0.15 * (most - least)); // a flat curve is drawn flat, and names stay inside
  Plotly.newPlot("curve", traces, layout({
    xaxis: { title: { text: "nanojoules a sample" }, type: "log", dtick: 1, minor: { ticks: "outside" } },
    yaxis: { title: { text: "accuracy" }, tickformat: ".1%", automargin: true,
      range: [least - room, most + room] },
  }), config);
}

function drawLayerEnergy() {
  const where = at("memory").value;
  const traces = data.energy.map((network, index) => ({
    type: "bar", name: plain(network.name), x: network.layers.map((_, index) => index), y: network[where],
    hovertext: network.layers.map(plain), hovertemplate: "%{hovertext}: %{y:.4g} nJ",
    marker: { color: look(index).color, pattern: { shape: look(index).fill } },
  }));
  Plotly.react("layer-energy", traces, layout({
    barmode: "group", xaxis: layerAxis("layer-energy", data.energy[0].layers),
    yaxis: { title: { text: "nanojoules a sample" }, automargin: true },
  }), config);
}

if (at("measure")) {
  at("measure").append(...data.profiles.map(({ measure }) => option(measure, measure)));
  at("measure").addEventListener("change", drawProfile);
  draws(drawProfile);
}
if (data.curves.length) draws(drawCurve);
else if (at("curve")) at("curve").remove();
if (data.energy.length) {
  at("memory").addEventListener("change", drawLayerEnergy);
  draws(drawLayerEnergy);
}
