// Draws the Vega-Lite specifications of a page. Expressions are interpreted, not evaluated: the pages' policy allows no eval.
import embed from "vega-embed";
import { expressionInterpreter } from "vega-interpreter";

const dark = matchMedia("(prefers-color-scheme: dark)").matches;

for (const each of document.querySelectorAll("script[type='application/vnd.vega-lite+json']")) {
  const place = document.getElementById(each.dataset.into);
  embed(place, JSON.parse(each.textContent), { actions: false, ast: true, expr: expressionInterpreter, renderer: "svg", theme: dark ? "dark" : undefined })
    .catch((error) => { place.textContent = `The chart could not be drawn: ${error.message}. Its numbers are in the table below.`; });
}
