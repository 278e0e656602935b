// Draws the Vega-Lite specifications of a page. Expressions are interpreted, not evaluated: the pages' policy allows no eval.
import embed from "vega-embed";
import { expressionInterpreter } from "vega-interpreter";

const dark = matchMedia("(prefers-color-scheme: dark)").matches;

function draw(root) {
  for (const each of root.querySelectorAll("script[type='application/vnd.vega-lite+json']:not([data-drawn])")) {
    const place = document.getElementById(each.dataset.into);
    each.dataset.drawn = "yes";
    embed(place, JSON.parse(each.textContent), { actions: false, defaultStyle: false, tooltip: { disableDefaultStyle: true }, ast: true, expr: expressionInterpreter, renderer: "svg", theme: dark ? "dark" : undefined })
      .catch((error) => { place.textContent = `The chart could not be drawn: ${error.message}. Its numbers are in the table below.`; });
  }
}

draw(document);
document.addEventListener("htmx:load", (event) => draw(event.detail.elt)); // parts that come later
