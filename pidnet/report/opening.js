"use strict";
// Inflates what the page carries: first Plotly, then the arrays of a map when it is chosen.
async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream);
}

async function unpack({ low, step, deflated }) {
  const bytes = new Uint8Array(await (await inflate(deflated)).arrayBuffer());
  const count = bytes.length / 2;
  const values = new Float32Array(count);
  for (let k = 0; k < count; k += 1) {
    const code = bytes[k] + 256 * bytes[count + k];
    values[k] = code === 65535 ? NaN : low + code * step;
  }
  return values;
}

// Numbers on a logarithmic scale; what has no logarithm is 0.
async function unpackLogarithm(packed) {
  return (await unpack(packed)).map((exponent) => (Number.isNaN(exponent) ? 0 : 10 ** exponent));
}

function run(text) {
  const script = document.createElement("script");
  script.textContent = text;
  document.head.append(script);
}

async function begin() {
  run(await (await inflate(document.getElementById("plotly").textContent)).text());
  for (const later of document.querySelectorAll("script.later")) run(later.textContent);
}

if (window.DecompressionStream) begin();
else document.getElementById("old").hidden = false;
