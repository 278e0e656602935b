// Draws the Vega-Lite specifications of a page. Expressions are interpreted, not evaluated: the pages' policy allows no eval.
import { parse, View } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import { compile } from "vega-lite";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const words = { labelColor: colour("--soft"), titleColor: colour("--ink"), labelFontSize: 12, titleFontSize: 12 };
const config = {
  axis: { ...words, gridColor: colour("--line"), domainColor: colour("--line"), tickColor: colour("--line") },
  legend: words, header: words, bar: { color: colour("--accent") }, point: { color: colour("--accent") }, line: { color: colour("--accent") },
};

async function draw(script) {
  const place = document.getElementById(script.dataset.into);
  try {
    const { spec } = compile(JSON.parse(script.textContent), { config });
    const runtime = parse(spec, undefined, { ast: true });
    await new View(runtime, { expr: expressionInterpreter, renderer: "svg", container: place, hover: true }).runAsync();
    place.querySelector("svg").setAttribute("aria-hidden", "true"); // the place of the chart has a name, and its numbers are in a table
  } catch (error) {
    place.textContent = `The chart could not be drawn: ${error.message}. Its numbers are in the table below.`;
  }
}

function drawAll(root) {
  for (const each of root.querySelectorAll("script[type='application/vnd.vega-lite+json']:not([data-drawn])")) {
    each.dataset.drawn = "yes";
    draw(each);
  }
}

drawAll(document);
document.addEventListener("htmx:load", (event) => drawAll(event.detail.elt)); // parts that come later
