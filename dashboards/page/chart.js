// Lines over ticks, on a canvas: what a scenario collects, and scores.

import { h, setText, num, once, palette, colour } from "./dom.js";

export const mostLines = 12;

const ticksOfAxis = 4; // about

// niceStep is a round distance of lines, so that about n of them span a range.
function niceStep(range, n) {
  const raw = range / n, power = 10 ** Math.floor(Math.log10(raw));
  for (const f of [1, 2, 5, 10]) if (f * power >= raw) return f * power;
  return 10 * power;
}

// marks are round values in a range; few, where numbers are too large or too near to
// be told apart.
function marks(low, top) {
  const step = niceStep(top - low, ticksOfAxis);
  const first = Math.ceil(low / step), all = [];
  for (let i = 0; i <= 2 * ticksOfAxis; i++) {
    const y = (first + i) * step;
    if (!(y <= top + step * 1e-6)) break;
    if (y !== all.at(-1)) all.push(y);
  }
  return all;
}

export class Chart {
  // seek is called with a tick that somebody chose.
  constructor(title, seek) {
    this.title = h("h3", {}, title);
    this.name = title;
    this.value = h("span", { class: "number" });
    this.canvas = h("canvas", { class: "chart", role: "img" });
    this.legend = h("ul", { class: "legend" });
    this.el = h("figure", { class: "charted" }, h("figcaption", {}, this.title, this.value), this.canvas, this.legend);
    this.lines = [];
    this.cursor = -1;
    this.hover = -1;
    this.draw = once(() => this.paint());
    this.size = new ResizeObserver(() => this.draw());
    this.size.observe(this.canvas);
    this.canvas.addEventListener("pointermove", (e) => {
      this.hover = this.tickAt(e);
      this.draw();
    });
    this.canvas.addEventListener("pointerleave", () => {
      this.hover = -1;
      this.draw();
    });
    this.canvas.addEventListener("click", (e) => this.last > 0 && seek(this.tickAt(e)));
  }

  close() {
    this.size.disconnect();
  }

  // show takes lines, {name, points: [[tick, value], …], value}, and a hue where it is
  // not the next; last is the last tick of the axis and cursor the tick that is shown
  // elsewhere, -1 for the newest, which value is of: points may lack that tick.
  show(lines, last, cursor) {
    this.lines = lines.map((l, i) => ({ hue: i, ...l }));
    this.last = last;
    this.cursor = cursor;
    this.draw();
  }

  recolour() {
    this.draw();
  }

  tickAt(e) {
    const box = this.canvas.getBoundingClientRect();
    const part = (e.clientX - box.left - this.left) / Math.max(1, box.width - this.left - right);
    return Math.round(Math.min(1, Math.max(0, part)) * this.last);
  }

  paint() {
    const ratio = window.devicePixelRatio || 1;
    const wide = this.canvas.clientWidth, high = this.canvas.clientHeight;
    if (wide === 0) return;
    if (this.canvas.width !== Math.round(wide * ratio) || this.canvas.height !== Math.round(high * ratio)) {
      this.canvas.width = Math.round(wide * ratio);
      this.canvas.height = Math.round(high * ratio);
    }
    const out = this.canvas.getContext("2d");
    out.setTransform(ratio, 0, 0, ratio, 0, 0);
    out.clearRect(0, 0, wide, high);
    const [low, top] = this.range();
    this.axes(out, wide, high, low, top);
    const colours = palette();
    for (const l of this.lines) this.line(out, l, colours, wide, high, low, top);
    this.mark(out, this.cursor, wide, high, colour("ink-2"));
    this.mark(out, this.hover, wide, high, colour("ink-3"));
    this.tell(colours);
  }

  range() {
    let low = Infinity, top = -Infinity;
    for (const l of this.lines) {
      for (const [, v] of l.points) {
        if (v < low) low = v;
        if (v > top) top = v;
      }
    }
    if (low > top) return [0, 1];
    if (low > 0 && low < top * 0.6) low = 0;
    if (low === top) return low === 0 ? [0, 1] : [Math.min(low, 0), Math.max(top, 0)];
    return [low, top];
  }

  axes(out, wide, high, low, top) {
    const ys = marks(low, top);
    out.font = `11px ${colour("sans")}`;
    this.left = Math.max(...ys.map((y) => out.measureText(tickText(y)).width), 0) + 8;
    out.fillStyle = colour("ink-3");
    out.strokeStyle = colour("line");
    out.lineWidth = 1;
    out.textBaseline = "middle";
    out.textAlign = "right";
    for (const y of ys) {
      const at = Math.round(this.y(y, high, low, top)) + 0.5;
      out.beginPath();
      out.moveTo(this.left, at);
      out.lineTo(wide - right, at);
      out.stroke();
      out.fillText(tickText(y), this.left - 6, at);
    }
    out.textBaseline = "alphabetic";
    out.textAlign = "left";
    out.fillText("0", this.left, high - 2);
    out.textAlign = "right";
    out.fillText(num(this.last), wide - right, high - 2);
  }

  line(out, { points, hue }, colours, wide, high, low, top) {
    if (points.length === 0) return;
    out.strokeStyle = out.fillStyle = colours[hue % colours.length];
    out.lineWidth = 1.5;
    out.lineJoin = "round";
    out.setLineDash(hue < colours.length ? [] : [5, 3]);
    out.beginPath();
    points.forEach(([t, v], i) => {
      const x = this.x(t, wide), y = this.y(v, high, low, top);
      if (i === 0) out.moveTo(x, y);
      else out.lineTo(x, y);
    });
    out.stroke();
    out.setLineDash([]);
    const [t, v] = points[points.length - 1];
    out.beginPath();
    out.arc(this.x(t, wide), this.y(v, high, low, top), 2.5, 0, 7);
    out.fill();
  }

  mark(out, tick, wide, high, ink) {
    if (tick < 0) return;
    const x = Math.round(this.x(tick, wide)) + 0.5;
    out.strokeStyle = ink;
    out.lineWidth = 1;
    out.beginPath();
    out.moveTo(x, 2);
    out.lineTo(x, high - bottom);
    out.stroke();
  }

  x(t, wide) {
    return this.left + (this.last > 0 ? t / this.last : 0) * (wide - this.left - right);
  }

  y(v, high, low, top) {
    return high - bottom - (v - low) / (top - low) * (high - bottom - above);
  }

  // tell writes the values at the tick that is pointed at, else those that are shown.
  tell(colours) {
    const at = this.hover >= 0 ? this.hover : this.cursor;
    const values = this.lines.map((l) => this.hover >= 0 ? valueAt(l.points, at) : l.value);
    const suffix = at >= 0 ? ` at tick ${num(at)}` : "";
    if (this.lines.length === 1) setText(this.value, num(values[0]) + suffix);
    else setText(this.value, suffix.trim());
    if (this.lines.length > 1) {
      if (this.legend.children.length !== this.lines.length) {
        this.legend.replaceChildren(...this.lines.map(() =>
          h("li", {}, h("span", { class: "swatch", "aria-hidden": "true" }), h("span"), h("span", { class: "number" }))));
      }
      this.lines.forEach((l, i) => {
        const [mark, name, value] = this.legend.children[i].children;
        mark.style.background = swatch(colours, l.hue);
        setText(name, l.name);
        setText(value, num(values[i]));
      });
    }
    this.canvas.setAttribute("aria-label", `${this.name}${suffix}: ` +
      this.lines.map((l, i) => (this.lines.length > 1 ? l.name + " " : "") + num(values[i])).join(", "));
  }
}

// swatch is how a hue is shown beside its line: striped where that is dashed.
export function swatch(colours, hue) {
  const c = colours[hue % colours.length];
  return hue < colours.length ? c : `repeating-linear-gradient(90deg, ${c} 0 5px, transparent 5px 8px)`;
}

const right = 6, bottom = 16, above = 6;

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });

function tickText(y) {
  return compact.format(Math.abs(y) < 1e-12 ? 0 : y);
}

// valueAt is the newest value at a tick, of those that are known.
function valueAt(points, tick) {
  let low = 0, high = points.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (points[mid][0] <= tick) low = mid + 1;
    else high = mid;
  }
  return low === 0 ? undefined : points[low - 1][1];
}
