"use strict";
// Figures of the information plane, of a training and of the measured loss of each layer.
function drawPlane() {
  const splits = [...new Set(data.plane.rows.map((row) => row.split))];
  const layers = [...new Set(data.plane.rows.map((row) => row.layer))];
  const names = shorts(layers);
  const middle = ([low, high]) => (low + high) / 2;
  const traces = data.plane.rows.map((row) => {
    const { color, symbol } = look(layers.indexOf(row.layer));
    const half = (ends) => ({ array: [(ends[1] - ends[0]) / 2], thickness: 1.6, color });
    const open = splits.indexOf(row.split) > 0 ? "-open" : "";
    return { x: [middle(row.x)], y: [middle(row.y)], name: `${names[layers.indexOf(row.layer)]}, ${plain(row.split)}`, mode: "markers", error_x: half(row.x), error_y: half(row.y),
      marker: { color, symbol: symbol + open, size: 9 }, text: [plain(row.layer)],
      hovertemplate: `%{text}, ${plain(row.split)}: I(X;T) ${row.x.map((end) => end.toFixed(2)).join(" to ")}, I(T;Y) ${row.y.map((end) => end.toFixed(2)).join(" to ")} bits<extra></extra>` };
  });
  Plotly.newPlot("plane", traces, layout({ xaxis: { title: { text: "I(X;T), bits" } }, yaxis: { title: { text: "I(T;Y), bits" }, automargin: true } }), config);
}

function drawTraining() {
  const quantity = at("quantity").value;
  const rows = data.training.filter((row) => row.quantity === quantity && row.value !== null);
  const layers = [...new Set(rows.map((row) => row.layer))];
  const names = shorts(layers);
  const traces = layers.map((layer, index) => {
    const { color, symbol, dash } = look(index);
    const own = rows.filter((row) => row.layer === layer);
    const end = (name, sign) => own.map((row) => (row[name] === null ? 0 : sign * (row[name] - row.value)));
    return { x: own.map((row) => row.step), y: own.map((row) => row.value), name: names[index], mode: "lines+markers",
      text: own.map(() => plain(layer)), hovertemplate: `%{text}, ${quantity.startsWith("unsaid") ? "training" : "epoch"} %{x}: %{y:.4g}<extra></extra>`, line: { color, dash }, marker: { color, symbol, size: 7 },
      error_y: { array: end("high", 1), arrayminus: end("low", -1), symmetric: false, thickness: 1, color } };
  });
  const unsaid = quantity.startsWith("unsaid"), shares = ["redundancy", "unique_sum", "synergy"].includes(quantity);
  const unit = quantity.startsWith("I(") ? ", bits" : unsaid ? ", share of the message" : shares ? ", share of the pair's information" : "";
  Plotly.react("training-curves", traces, layout({ xaxis: { title: { text: unsaid ? "share of the training" : "epoch" } },
    yaxis: { title: { text: plain(quantity + unit) }, automargin: true } }), config);
}

function drawLosses() {
  const { layers } = data.losses[at("loss-budget").value];
  const names = shorts(Object.keys(layers));
  const traces = Object.entries(layers).flatMap(([layer, { share, bits, chosen }], index) => {
    const { color, symbol, dash } = look(index);
    const hovertemplate = `${plain(layer)}: %{x:.0%} of the units, %{y:.3g} bits`;
    return [
      { x: share, y: bits, name: names[index], legendgroup: layer, mode: "lines+markers", hovertemplate: `${hovertemplate}<extra></extra>`,
        line: { color, dash }, marker: { color, symbol, size: 5 } },
      { x: [chosen[0]], y: [chosen[1]], legendgroup: layer, showlegend: false, mode: "markers", cliponaxis: false,
        hovertemplate: `${hovertemplate}, the plan<extra></extra>`, marker: { color, symbol, size: 13 } },
    ];
  });
  Plotly.react("losses", traces, layout({ xaxis: { title: { text: "share of the units that stay" }, tickformat: ".0%" },
    yaxis: { title: { text: "bits lost" }, automargin: true, rangemode: "tozero" } }), config);
}

if (at("plane")) draws(drawPlane);
if (at("quantity")) {
  at("quantity").append(...[...new Set(data.training.map((row) => row.quantity))].map((name) => option(name, name)));
  at("quantity").addEventListener("change", drawTraining);
  draws(drawTraining);
}
if (at("loss-budget")) {
  at("loss-budget").append(...data.losses.map((one, index) => option(index, `budget ${one.name}`)));
  at("loss-budget").addEventListener("change", drawLosses);
  draws(drawLosses);
}
