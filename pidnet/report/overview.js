"use strict";
// Layers too wide for a square a pair: tiles of similar units, and the nearest of the unit that was chosen.
const ATOM_WORDS = { redundancy: "Most redundant with", synergy: "Most synergy with" };
let wide = null;

async function chooseWide() {
  const map = data.overviews[at("wide-map").value];
  const nearest = {};
  for (const [name, { count, ...columns }] of Object.entries(map.nearest)) nearest[name] = { count, ...await unpackAll(columns) };
  wide = { ...map, tiles: await unpackAll(map.tiles), nearest, place: new Map(map.units.map((unit, index) => [unit, index])) };
  at("wide-unit").max = Math.max(...map.units);
  drawTiles();
  showWide(map.units[map.unit_information.indexOf(Math.max(...map.unit_information))]);
}

function drawTiles() {
  const values = wide.tiles[at("wide-atom").value];
  const count = Math.sqrt(values.length);
  const z = Array.from({ length: count }, (_, row) => values.slice(row * count, (row + 1) * count));
  const axis = { title: { text: `tiles of ${wide.side} similar units` }, showticklabels: false, showgrid: false, constrain: "domain" };
  Plotly.react("tiles", [{ type: "heatmap", z, colorscale: "Cividis", hovertemplate: "mean %{z:.3f} bits<extra></extra>",
    colorbar: { title: { text: "mean bits of a pair", side: "right" }, thickness: 12 } }],
  layout({ xaxis: axis, yaxis: { ...axis, autorange: "reversed" } }), config);
}

const tileUnits = (tile) => wide.units.slice(tile * wide.side, (tile + 1) * wide.side);

function nearestRows(atom, index) {
  const near = wide.nearest[atom];
  return Array.from({ length: near.count }, (_, k) => index * near.count + k).filter((k) => near.partner[k] >= 0)
    .map((k) => [wide.units[Math.round(near.partner[k])], near.redundancy[k], near.own[k], near.other[k], near.synergy[k]]);
}

function nearestTable(atom, rows, unit) {
  const table = document.createElement("table");
  table.append(element("caption", `${ATOM_WORDS[atom]}, bits`));
  const head = table.createTHead().insertRow();
  for (const name of ["unit", "redundancy", `only unit ${unit}`, "only the other", "synergy"]) {
    const cell = element("th", name);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const [other, ...atoms] of rows) {
    const row = body.insertRow();
    const button = element("button", String(other));
    button.type = "button";
    button.addEventListener("click", () => { showWide(other); at("wide-unit").focus(); });
    const first = document.createElement("th");
    first.scope = "row";
    first.append(button);
    row.append(first, ...atoms.map((value) => element("td", value.toFixed(3))));
  }
  return table;
}

function showWide(unit) {
  at("wide-unit").value = unit;
  const index = wide.place.get(unit);
  if (index === undefined) {
    at("wide-card").replaceChildren(element("p", `Unit ${unit} does not vary or does not exist.`));
    return;
  }
  const parts = Object.keys(wide.nearest).map((atom) => {
    const rows = nearestRows(atom, index);
    return rows.length ? nearestTable(atom, rows, unit) : element("p", `${ATOM_WORDS[atom]}: nobody`);
  });
  at("wide-card").replaceChildren(element("h3", `Unit ${unit} of ${wide.layer}`),
    element("p", `Carries ${wide.unit_information[index].toFixed(3)} bits about the target by itself; tile ${Math.floor(index / wide.side) + 1}.`), ...parts);
}

if (at("wide-map")) {
  at("wide-map").append(...data.overviews.map((map, index) => option(index, `${map.layer}, ${map.measure}`)));
  at("wide-map").addEventListener("change", chooseWide);
  at("wide-atom").addEventListener("change", drawTiles);
  at("wide-unit").addEventListener("input", () => { if (at("wide-unit").value !== "") showWide(Number(at("wide-unit").value)); });
  chooseWide().then(() => {
    at("tiles").on("plotly_click", ({ points: [{ x, y }] }) => {
      const [down, across] = [tileUnits(y), tileUnits(x)];
      at("wide-tile").textContent = `Tile of the units ${down.join(", ")} against ${x === y ? "each other" : across.join(", ")}.`;
    });
    drawn.push(drawTiles);
    document.body.dataset.wide = "yes";
  });
}
