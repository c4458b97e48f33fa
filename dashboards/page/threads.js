// What agents said, by channel and by pair.

import { h, setText, setAttr, num, body } from "./dom.js";
import { natural } from "./order.js";

const everything = "";
const mostShown = 300;

export class Threads {
  constructor(open) {
    this.open = open;
    this.chosen = everything;
    this.list = h("ul", { class: "threads-list", "aria-label": "Threads" });
    this.said = h("ol", { class: "said", tabindex: 0, "aria-label": "Messages" });
    this.note = h("p", { class: "dim" });
    this.el = h("div", { class: "threads" }, this.list, h("div", { class: "thread" }, this.said, this.note));
  }

  close() {}

  recolour() {}

  show(model) {
    this.model = model;
    const threads = [...model.threads.values()].sort((a, b) => order(a.name, b.name));
    const rows = [{ name: everything, total: model.heard + model.leftOut }, ...threads];
    while (this.list.children.length > rows.length) this.list.lastChild.remove();
    while (this.list.children.length < rows.length) this.list.append(this.row());
    rows.forEach((t, i) => {
      const button = this.list.children[i].firstChild;
      button.thread = t.name;
      setText(button.firstChild, t.name === everything ? "Everything" : t.name);
      setText(button.lastChild, num(t.total));
      setAttr(button, "aria-pressed", t.name === this.chosen);
    });
    this.fill();
  }

  // row is a place in the list: which thread stands there may change, as others come
  // before it.
  row() {
    const button = h("button", { type: "button", class: "plain", onclick: () => {
      this.chosen = button.thread;
      this.show(this.model);
      this.said.scrollTop = this.said.scrollHeight;
    } }, h("span"), h("span", { class: "number" }));
    return h("li", {}, button);
  }

  // fill appends what is new, and writes all anew where another thread is shown or
  // the run was gone back in.
  fill() {
    const all = this.messages();
    const last = this.written?.[this.written.length - 1];
    const from = last && this.wrote === this.chosen ? all.indexOf(last) + 1 : 0;
    const bottom = this.said.scrollHeight - this.said.scrollTop - this.said.clientHeight < 40;
    if (from === 0) this.said.replaceChildren(...all.map((m) => this.message(m)));
    else this.said.append(...all.slice(from).map((m) => this.message(m)));
    while (this.said.children.length > mostShown) this.said.firstChild.remove();
    this.wrote = this.chosen;
    this.written = all;
    setText(this.note, this.about(all.length));
    if (bottom) this.said.scrollTop = this.said.scrollHeight;
  }

  // about says what is not shown of the chosen thread.
  about(shown) {
    const { heard, leftOut, threads } = this.model;
    const whole = this.chosen === everything;
    const out = whole ? heard + leftOut - shown : (threads.get(this.chosen)?.total ?? 0) - shown;
    const more = !whole && leftOut > 0; // those are of no thread that is known here
    if (shown === 0) return out > 0 || more ? "Nothing was said lately: troupe events has all messages." : "Nothing was said yet.";
    if (out <= 0 && !more) return "";
    return `${out > 0 ? num(out) + " earlier" : "Earlier"} messages are not shown: troupe events has them all.`;
  }

  messages() {
    if (this.chosen !== everything) return (this.model.threads.get(this.chosen)?.messages ?? []).slice(-mostShown);
    return this.model.said.slice(-mostShown);
  }

  message(m) {
    const to = m.channel ? "#" + m.channel : m.to;
    const fate = m.refused ? "refused" : m.copies === 0 ? "lost" : m.delay ? `delayed by ${m.delay}` : m.cut ? `cut off from ${m.cut}` : "";
    return h("li", {},
      h("span", { class: "who" },
        h("button", { type: "button", class: "plain name", onclick: () => this.open(m.from) }, m.from),
        h("span", { class: "dim" }, ` to ${to}`),
        fate && h("span", { class: "bad" }, ` ${fate}`)),
      h("span", { class: "tick" }, num(m.tick)),
      h("div", { class: "body" }, body(m.body)));
  }
}

// order has channels before pairs, and leaves each in its place whoever speaks.
function order(a, b) {
  return b.startsWith("#") - a.startsWith("#") || natural(a, b);
}
