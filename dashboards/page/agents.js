// The table of agents. Only the rows that are seen are in the document, and only
// what is near them is asked for: there may be a hundred thousand.

import { h, setText, setAttr, num, usd, bytes, millis, count, seldom } from "./dom.js";
import { paths } from "./api.js";

const high = 26; // pixels of a row, as the style sheet has it
const page = 200; // agents asked for at once
const fresh = 2000; // milliseconds that a page is good for while the run goes on

// columns are what the table shows: of an agent as it is now, and, where frames tell
// it, as it was after the tick of a model.
const columns = [
  { name: "agent", text: (a) => a.agent },
  { name: "kind", text: (a) => a.kind ?? "" },
  { name: "state", text: (a) => a.ended ? "ended" : a.state ?? "" },
  { name: "failures", number: true, text: failures, then: failed },
  { name: "turns", number: true, text: (a) => num(a.turns) },
  { name: "score", number: true, text: (a) => num(a.score), then: (a, model, scored) => scored ? num(model.scores.get(a.agent)) : undefined },
  { name: "last", text: (a) => a.last ? `${a.last.outcome}` : "" },
  { name: "latency", number: true, text: (a) => millis(a.latency_ms?.mean || undefined) },
  { name: "cost", number: true, text: (a) => a.usd ? usd(a.usd) : "" },
  { name: "tokens", number: true, text: (a) => num(tokens(a) || undefined) },
  { name: "memory", number: true, text: (a) => a.memory_bytes ? bytes(a.memory_bytes) : "" },
  { name: "restarts", number: true, text: (a) => num(a.restarts || undefined) },
];

function tokens(a) {
  return Object.values(a.tokens ?? {}).reduce((n, x) => n + x, 0);
}

export function failures(a) {
  return Object.entries(a.failures ?? {}).filter(([, n]) => n > 0).map(([type, n]) => `${num(n)} ${type}`).join(", ");
}

function failed(a, model) {
  const f = model.failures.get(a.agent);
  if (!f) return "";
  return f.count === 1 ? `1 ${f.type}` : `${num(f.count)}, last ${f.type}`;
}

export class Agents {
  constructor(source, run, open, trouble) {
    Object.assign(this, { source, run, open, trouble });
    this.pages = new Map(); // number → {rows, at}
    this.total = 0;
    this.past = null; // the model of an earlier tick that is shown
    this.sort = "failures";
    this.hidden = new Set(columns.map((c) => c.name)); // until an agent has something there
    for (const name of ["agent", "failures", "turns"]) this.hidden.delete(name);
    this.sum = h("span", { class: "dim" });
    this.note = h("p", { class: "note dim" });
    this.head = h("tr");
    this.top = h("tr", { class: "gap", "aria-hidden": "true" }, h("td"));
    this.end = h("tr", { class: "gap", "aria-hidden": "true" }, h("td"));
    this.bodyEl = h("tbody");
    this.table = h("table", { class: "agents" }, h("caption", { class: "visually-hidden" }, "Agents"), h("thead", {}, this.head), this.bodyEl);
    this.box = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Agents", onscroll: () => this.scrolled() }, this.table);
    const order = h("select", { "aria-label": "Order of agents", onchange: () => {
      this.sort = order.value;
      this.pages.clear();
      this.box.scrollTop = 0;
      this.ask();
    } }, h("option", { value: "failures" }, "failures first"), h("option", { value: "id" }, "by name"));
    this.el = h("section", { class: "block" },
      h("header", {}, h("h2", {}, "Agents"), this.sum, h("span", { class: "grow" }), order), this.note, this.box);
    this.refresh = seldom(fresh, () => this.again());
    this.scrolled = seldom(60, () => this.draw());
    this.size = new ResizeObserver(() => this.draw());
    this.size.observe(this.box);
    this.asking = new AbortController();
    this.header();
    this.ask();
  }

  close() {
    this.asking.abort();
    this.size.disconnect();
    this.refresh.stop();
    this.scrolled.stop();
  }

  // changed tells that there may be news; what is seen is asked for again, now
  // and then.
  changed() {
    this.refresh();
  }

  // show takes the model of an earlier tick that is shown elsewhere, null for the
  // newest; scored says whether the world scores.
  show(past, scored) {
    if (past === this.past) return;
    this.past = past;
    this.scored = scored;
    this.draw();
  }

  again() {
    for (const p of this.pages.values()) p.at = 0;
    this.ask();
  }

  range() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / high) - 4);
    const shown = Math.ceil((this.box.clientHeight || 400) / high) + 8;
    return [first, Math.min(this.total, first + shown)];
  }

  // ask has the pages come that are seen and not fresh, one at a time.
  async ask() {
    if (this.busy) {
      this.more = true;
      return;
    }
    this.busy = true;
    try {
      do {
        this.more = false;
        const [first, end] = this.range();
        for (let p = Math.floor(first / page); p <= Math.floor(Math.max(first, end - 1) / page); p++) {
          if (!this.pages.get(p)?.at) await this.fetch(p);
        }
      } while (this.more);
      this.draw();
    } catch (e) {
      if (e.name !== "AbortError") this.trouble(e);
    } finally {
      this.busy = false;
    }
  }

  async fetch(p) {
    const sort = this.sort;
    const said = await this.source.get(`${paths.agents(this.run)}?sort=${sort}&limit=${page}&offset=${p * page}`, this.asking.signal);
    if (sort !== this.sort) return; // there is another order meanwhile, and who chose it asked for more
    this.total = said.total;
    this.pages.set(p, { rows: said.agents ?? [], at: performance.now() });
    for (const old of this.pages.keys()) { // far away
      if (this.pages.size > 20 && Math.abs(old - p) > 5) this.pages.delete(old);
    }
    const before = this.hidden.size;
    for (const c of columns) {
      if (this.hidden.has(c.name) && said.agents?.some((a) => c.text(a) !== "")) this.hidden.delete(c.name);
    }
    if (this.hidden.size !== before) this.header();
  }

  header() {
    this.shown = columns.filter((c) => !this.hidden.has(c.name));
    this.head.replaceChildren(...this.shown.map((c) => h("th", { scope: "col", class: `${c.number ? "number" : ""} c-${c.name}` }, c.name)));
    this.rows = new Map(); // by their number in the table
    this.bodyEl.replaceChildren(this.top, this.end);
  }

  row() {
    const button = h("button", { type: "button", class: "plain name" });
    const row = h("tr", {}, ...this.shown.map((c, i) =>
      h("td", { class: `${c.number ? "number" : ""} c-${c.name}` }, i === 0 ? button : "")));
    button.addEventListener("click", () => this.open(row.agent));
    return row;
  }

  // place has rows from first up to end in the document. One that is there already
  // stays where it is, and keeps the focus if it has it.
  place(first, end) {
    const free = [];
    for (const [n, row] of this.rows) {
      if (n >= first && n < end) continue;
      this.rows.delete(n);
      row.remove();
      free.push(row);
    }
    let before = this.end;
    for (let n = end - 1; n >= first; n--) {
      const row = this.rows.get(n) ?? free.pop() ?? this.row();
      this.rows.set(n, row);
      if (row.nextSibling !== before) this.bodyEl.insertBefore(row, before);
      before = row;
    }
  }

  draw() {
    const [first, end] = this.range();
    const past = this.past;
    setText(this.sum, count(this.total, "agent"));
    setText(this.note, past ? `Failures${this.scored ? " and scores" : ""} as after tick ${num(past.tick)}, all else as it is now.` : "");
    setAttr(this.table, "class", past ? "agents past" : "agents");
    setAttr(this.table, "aria-rowcount", this.total + 1);
    this.top.firstChild.style.height = first * high + "px";
    this.end.firstChild.style.height = (this.total - end) * high + "px";
    this.place(first, end);
    let missing = false;
    this.rows.forEach((row, n) => {
      const a = this.pages.get(Math.floor(n / page))?.rows[n % page];
      missing ||= !a;
      row.agent = a?.agent;
      setAttr(row, "aria-rowindex", n + 2);
      this.shown.forEach((c, k) => {
        const cell = k === 0 ? row.children[k].firstChild : row.children[k];
        const then = a && past ? c.then?.(a, past, this.scored) : undefined;
        const text = then ?? (a ? c.text(a) : k === 0 ? "…" : "");
        setText(cell, text);
        if (c.name === "failures" || c.name === "last") setAttr(cell, "title", text || null);
      });
    });
    if (missing) this.ask();
  }
}
