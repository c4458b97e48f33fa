// What a scenario collects, as charts: columns of agents that are of the same field,
// together.

import { h } from "./dom.js";
import { Chart, mostLines } from "./chart.js";
import { matches } from "./order.js";

const mostCharts = 24;

export class Charts {
  constructor(seek) {
    this.seek = seek;
    this.charts = new Map(); // by title
    this.el = h("section", { class: "charts", "aria-label": "What the scenario collects", hidden: true });
  }

  close() {
    for (const c of this.charts.values()) c.close();
  }

  recolour() {
    for (const c of this.charts.values()) c.recolour();
  }

  // show takes the model that is shown, the one that has the whole history, and which
  // of its columns the view has.
  show(model, all, patterns, last, cursor) {
    for (const [title, lines] of grouped(model, all, patterns)) {
      this.chart(title)?.show(lines.slice(0, mostLines), last, cursor);
    }
    this.el.hidden = this.charts.size === 0;
  }

  chart(title) {
    let chart = this.charts.get(title);
    if (!chart && this.charts.size < mostCharts) {
      chart = new Chart(title, this.seek);
      this.charts.set(title, chart);
      this.el.append(chart.el);
    }
    return chart;
  }
}

function grouped(model, all, patterns) {
  const groups = new Map();
  for (const [name, { points }] of all.columns) {
    if (!patterns.some((p) => matches(p, name))) continue;
    const dot = name.indexOf(".");
    const title = dot < 0 ? name : name.slice(dot + 1);
    if (!groups.has(title)) groups.set(title, []);
    groups.get(title).push({ name: dot < 0 ? name : name.slice(0, dot), points, value: model.columns.get(name)?.points.at(-1)[1] });
  }
  return groups;
}
