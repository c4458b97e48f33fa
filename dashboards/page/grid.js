// The picture of a world of cells: one pixel a cell on a small canvas, drawn large
// on the one that is seen, once an animation frame at most.

import { h, setText, setAttr, once, num, written, palette, colour } from "./dom.js";
import { none } from "./model.js";

const mostNamed = 16; // values in the legend
const mostShown = 40; // characters of one

export class Grid {
  // open is called with the index of a cell that somebody chose; room is the element
  // that the picture may be as wide as, less what stands beside it.
  constructor(columns, name, open, room) {
    this.room = room;
    this.beside = 0; // pixels
    this.columns = columns;
    this.name = name;
    this.open = open;
    this.canvas = h("canvas", { class: "grid", tabindex: 0, role: "application", "aria-roledescription": "grid of cells" });
    this.legend = h("ul", { class: "legend" });
    this.pointed = h("output", { class: "pointed" });
    this.el = h("figure", { class: "picture" }, this.canvas, h("figcaption", {}, this.legend, this.pointed));
    this.small = document.createElement("canvas");
    this.at = -1; // the cell that is pointed at
    this.draws = 0;
    this.draw = once(() => this.paint());
    this.size = new ResizeObserver(() => this.resize());
    this.size.observe(room);
    this.canvas.addEventListener("pointermove", (e) => this.point(this.cellAt(e)));
    this.canvas.addEventListener("pointerleave", () => this.point(-1));
    this.canvas.addEventListener("click", (e) => this.choose(this.cellAt(e)));
    this.canvas.addEventListener("keydown", (e) => this.key(e));
  }

  close() {
    this.size.disconnect();
  }

  // show takes the model as it is now; changed says which cells differ from the
  // last time.
  show(model, changed) {
    const fresh = this.model !== model || !this.image || changed === "all" || this.image.data.length !== this.length(model);
    this.model = model;
    if (!model.cells) return;
    if (fresh) this.prepare();
    else for (const i of changed ?? []) this.pixels[i] = this.ink[model.cells[i]];
    if (fresh || changed?.length > 0) this.dirty = true;
    this.draw();
  }

  length(model) {
    return model.cells ? this.columns * Math.ceil(model.cells.length / this.columns) * 4 : 0;
  }

  // prepare colours all cells anew.
  prepare() {
    const cells = this.model.cells;
    this.rows = Math.ceil(cells.length / this.columns);
    if (this.small.width !== this.columns || this.small.height !== this.rows || !this.image) {
      this.small.width = this.columns;
      this.small.height = this.rows;
      this.brush = this.small.getContext("2d");
      this.image = this.brush.createImageData(this.columns, this.rows);
      this.pixels = new Uint32Array(this.image.data.buffer);
      this.resize();
    }
    this.ink = inks();
    for (let i = 0; i < cells.length; i++) this.pixels[i] = this.ink[cells[i]];
    this.dirty = true;
  }

  recolour() {
    if (this.image) this.prepare();
    this.colours = null;
    this.draw();
  }

  // resize makes cells whole pixels of the screen where they have room.
  resize() {
    if (!this.rows) return;
    const ratio = window.devicePixelRatio || 1;
    const wide = this.room.clientWidth - this.beside, high = Math.max(240, Math.min(window.innerHeight - 360, 620)); // charts are seen below
    let cell = Math.min(wide * ratio / this.columns, high * ratio / this.rows, 48 * ratio);
    if (cell > 1) cell = Math.floor(cell);
    this.canvas.width = Math.max(1, Math.round(cell * this.columns));
    this.canvas.height = Math.max(1, Math.round(cell * this.rows));
    this.canvas.style.width = this.canvas.width / ratio + "px";
    this.canvas.style.height = this.canvas.height / ratio + "px";
    this.cell = cell;
    this.dirty = true;
    this.draw();
  }

  paint() {
    const m = this.model;
    if (!m?.cells || !this.image) return;
    const out = this.canvas.getContext("2d");
    if (this.dirty) {
      this.brush.putImageData(this.image, 0, 0);
      this.dirty = false;
    }
    out.imageSmoothingEnabled = false;
    out.drawImage(this.small, 0, 0, this.canvas.width, this.canvas.height);
    if (this.at >= 0) {
      out.strokeStyle = colour("ink");
      out.lineWidth = Math.max(2, this.cell / 8);
      out.strokeRect((this.at % this.columns) * this.cell, Math.floor(this.at / this.columns) * this.cell, this.cell, this.cell);
    }
    this.canvas.dataset.draws = ++this.draws;
    this.canvas.dataset.tick = m.tick;
    this.tell();
  }

  tell() {
    const m = this.model, named = m.values.slice(0, mostNamed);
    if (this.named !== m.values.length || !this.colours) {
      this.named = m.values.length;
      this.colours = palette();
      this.legend.replaceChildren(...named.map((v, i) => {
        const mark = h("span", { class: "swatch", "aria-hidden": "true" });
        mark.style.background = this.colours[i % this.colours.length];
        return h("li", {}, mark, h("span", {}, shown(v)), h("span", { class: "number" }));
      }), m.values.length > mostNamed ? h("li", { class: "dim" }, `and ${num(m.values.length - mostNamed)} more values`) : "");
    }
    named.forEach((_, i) => setText(this.legend.children[i].lastChild, num(m.counts[i] ?? 0)));
    setAttr(this.canvas, "aria-label", `${this.columns} by ${this.rows} cells after tick ${m.tick}: ` +
      named.map((v, i) => `${shown(v)} ${num(m.counts[i] ?? 0)}`).join(", ") + ". Arrow keys point at a cell, Enter opens it.");
    let text = "";
    if (this.at >= 0) {
      const v = m.cells[this.at];
      text = `${this.name(this.at)}: ${v === none ? "nothing yet" : shown(m.values[v])}`;
    }
    setText(this.pointed, text);
  }

  cellAt(e) {
    if (!this.model?.cells) return -1;
    const box = this.canvas.getBoundingClientRect();
    const x = Math.floor((e.clientX - box.left) / box.width * this.columns);
    const y = Math.floor((e.clientY - box.top) / box.height * this.rows);
    const i = y * this.columns + x;
    return x >= 0 && x < this.columns && i >= 0 && i < this.model.cells.length ? i : -1;
  }

  point(i) {
    if (i === this.at) return;
    this.at = i;
    this.draw();
  }

  choose(i) {
    if (i >= 0) this.open(i);
  }

  key(e) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns };
    if (e.key === "Enter") this.choose(this.at);
    else if (e.key in steps && this.model?.cells) {
      const next = this.at < 0 ? 0 : this.at + steps[e.key];
      if (next >= 0 && next < this.model.cells.length) this.point(next);
    } else return;
    e.preventDefault();
  }
}

function shown(v) {
  const text = typeof v === "string" ? v : written(v);
  return text.length > mostShown ? text.slice(0, mostShown) + "…" : text;
}

// inks are the palette as the bytes of an image, by value of a cell.
function inks() {
  const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const bytes = (name) => {
    brush.fillStyle = name;
    brush.fillRect(0, 0, 1, 1);
    return new Uint32Array(brush.getImageData(0, 0, 1, 1).data.buffer)[0];
  };
  const all = new Uint32Array(256), some = palette().map(bytes);
  for (let i = 0; i < none; i++) all[i] = some[i % some.length];
  all[none] = bytes(colour("line"));
  return all;
}
