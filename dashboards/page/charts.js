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

  // show takes series by name, and which of them the view has.
  show(columns, patterns, last, cursor) {
    for (const [title, lines] of grouped(columns, patterns)) {
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

function grouped(columns, patterns) {
  const groups = new Map();
  for (const [name, { points }] of columns) {
    if (!patterns.some((p) => matches(p, name))) continue;
    const dot = name.indexOf(".");
    const title = dot < 0 ? name : name.slice(dot + 1);
    if (!groups.has(title)) groups.set(title, []);
    groups.get(title).push({ name: dot < 0 ? name : name.slice(0, dot), points });
  }
  return groups;
}
