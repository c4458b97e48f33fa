// The scores of a game: bars for who leads, lines for how it came about.

import { h, setText, num, palette } from "./dom.js";
import { Chart, mostLines, swatch } from "./chart.js";

export class Race {
  constructor(seek, open) {
    this.open = open;
    this.bars = h("ol", { class: "bars" });
    this.rest = h("p", { class: "dim" });
    this.chart = new Chart("Scores", seek);
    this.el = h("div", { class: "race" }, h("div", {}, this.bars, this.rest), this.chart.el);
  }

  close() {
    this.chart.close();
  }

  recolour() {
    if (this.shown) this.show(...this.shown);
  }

  // show takes the model that is shown, and the one that has the whole history.
  show(model, all, last, cursor) {
    this.shown = [model, all, last, cursor];
    const leaders = [...model.scores].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    const top = leaders.slice(0, mostLines);
    const low = Math.min(0, ...top.map((l) => l[1])), high = Math.max(...top.map((l) => l[1]), low + 1e-9);
    while (this.bars.children.length > top.length) this.bars.lastChild.remove();
    while (this.bars.children.length < top.length) this.bars.append(this.bar());
    const colours = palette(), hue = this.hues(top.map((l) => l[0]));
    top.forEach(([agent, score], i) => {
      const [name, track, value] = this.bars.children[i].children;
      setText(name, agent);
      setText(value, num(score));
      track.firstChild.style.width = `${(score - low) / (high - low) * 100}%`;
      track.firstChild.style.background = swatch(colours, hue.get(agent));
    });
    setText(this.rest, leaders.length > top.length ? `and ${num(leaders.length - top.length)} more, in the table of agents` : "");
    all.lead(model === all ? [...hue.keys()] : []);
    const lines = [...hue].map(([name, hue]) => ({ name, hue, points: all.race.get(name)?.points ?? [], value: model.scores.get(name) }));
    this.chart.show(lines, last, cursor);
  }

  // hues gives each leader a colour that stays while it leads.
  hues(names) {
    const held = new Map([...(this.held ?? [])].filter(([name]) => names.includes(name)));
    const free = [...Array(mostLines).keys()].filter((i) => ![...held.values()].includes(i));
    for (const name of names) if (!held.has(name)) held.set(name, free.shift());
    return this.held = new Map([...held].sort((a, b) => a[1] - b[1]));
  }

  bar() {
    const name = h("button", { type: "button", class: "plain name", onclick: () => this.open(name.textContent) });
    return h("li", {}, name, h("span", { class: "track", "aria-hidden": "true" }, h("span")), h("span", { class: "number" }));
  }
}
