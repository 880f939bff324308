"use strict";
// Why a pair has its atoms: which levels its two units take in each class, as squares and as a table.
const svg = (tag, attributes) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
};
const held = { classes: null, layers: new Map() };

// The bytes of a layer's codes, and the class of each sample; null where the page has none.
async function openCodes(layer) {
  const all = data.codes;
  if (!all || !(layer in all.layers)) return null;
  const bytes = async (text) => (await inflate(text)).arrayBuffer();
  held.classes ??= new Uint16Array(await bytes(all.target));
  if (!held.layers.has(layer)) held.layers.set(layer, new Uint8Array(await bytes(all.layers[layer])));
  return { values: held.layers.get(layer), classes: held.classes, names: all.classes, levels: all.levels };
}

// Samples by class, code of the first unit and code of the second.
function jointCounts({ values, classes, names, levels }, first, second) {
  const samples = classes.length;
  const counts = names.map(() => new Uint32Array(levels * levels));
  for (let k = 0; k < samples; k += 1) {
    counts[classes[k]][values[first * samples + k] * levels + values[second * samples + k]] += 1;
  }
  return counts;
}

// One square a class, a cell a pair of codes: the stronger, the more of the class's samples.
function jointPicture({ names, levels }, counts, first, second) {
  const cell = Math.max(2, Math.floor(32 / levels));
  const side = cell * levels;
  const [wide, tall] = [side + 12, side + 18];
  const across = Math.min(names.length, 5);
  const picture = svg("svg", { class: "joint", width: across * wide, height: Math.ceil(names.length / across) * tall, role: "img",
    "aria-label": `Codes of units ${first} and ${second} in each of ${names.length} classes; the table of codes has the counts` });
  counts.forEach((cells, index) => {
    const [x, y] = [(index % across) * wide, Math.floor(index / across) * tall];
    const total = cells.reduce((sum, count) => sum + count, 0) || 1;
    picture.append(svg("rect", { x, y, width: side, height: side, class: "back" }));
    cells.forEach((count, place) => {
      if (count) picture.append(svg("rect", { x: x + (place % levels) * cell, y: y + Math.floor(place / levels) * cell,
        width: cell, height: cell, "fill-opacity": Math.max(0.08, count / total) }));
    });
    const label = svg("text", { x: x + side / 2, y: y + side + 12 });
    label.textContent = names[index].slice(0, 6);
    picture.append(label);
  });
  return picture;
}

// The same in numbers, for who does not see the squares: a row for each pair of codes that occurs.
function jointTable({ names, levels }, counts, first, second) {
  const holder = document.createElement("details");
  holder.append(element("summary", "Table of codes"));
  const scroll = document.createElement("div");
  for (const [name, text] of [["class", "scroll tall"], ["tabindex", "0"], ["role", "region"], ["aria-label", "Samples by codes and class"]]) {
    scroll.setAttribute(name, text);
  }
  const table = document.createElement("table");
  table.append(element("caption", "Samples of each class by the codes of both units"));
  const line = (cells, heads) => {
    const row = document.createElement("tr");
    cells.forEach((text, index) => {
      const made = element(index < heads ? "th" : "td", text);
      if (index < heads) made.scope = heads === cells.length ? "col" : "row";
      row.append(made);
    });
    return row;
  };
  const heads = [`unit ${first}`, `unit ${second}`, ...names];
  table.createTHead().append(line(heads, heads.length));
  const body = table.createTBody();
  for (let place = 0; place < levels * levels; place += 1) {
    if (counts.some((cells) => cells[place])) {
      body.append(line([Math.floor(place / levels), place % levels, ...counts.map((cells) => cells[place])], 2));
    }
  }
  scroll.append(table);
  holder.append(scroll);
  return holder;
}

// What the card of a pair shows of its codes.
function jointCard(codes, first, second) {
  if (!codes) return [];
  const counts = jointCounts(codes, first, second);
  return [element("h4", "Their codes in each class"), jointPicture(codes, counts, first, second),
    element("p", `One square a class. Down: the code of unit ${first}; across: that of unit ${second}; the stronger the color, the more samples of the class.`),
    jointTable(codes, counts, first, second)];
}
