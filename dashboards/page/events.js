// What the world says that happened, the newest first.

import { h, setText, num, json } from "./dom.js";

export class Events {
  constructor() {
    this.list = h("ol", { class: "events" });
    this.note = h("p", { class: "dim" });
    this.el = h("details", { class: "block", hidden: true }, h("summary", {}, "Events of the world"), this.list, this.note);
  }

  // show takes the model that is shown, and the one that has the whole history.
  show(model, all) {
    this.el.hidden = all.events.length === 0;
    if (this.el.hidden || model === this.model && model.tick === this.tick) return;
    this.model = model;
    this.tick = model.tick;
    this.list.replaceChildren(...model.events.toReversed().map((e) => h("li", {}, h("span", { class: "tick" }, num(e.tick)), json(e.event))));
    const out = model.eventsLeftOut;
    setText(this.note, out > 0 ? `${num(out)} earlier ones are not shown: troupe events prints them all.` : "");
  }
}
