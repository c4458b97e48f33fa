// One agent, looked at closely: its turns, what its model was told and said, its
// log and files; and what a person does with it.

import { h, setAttr, num, usd, bytes, millis, when, long } from "./dom.js";
import { paths, enc } from "./api.js";
import { failures } from "./agents.js";
import { transcript } from "./transcript.js";
import { turn } from "./turn.js";
import { Seat } from "./human.js";
import { Chat } from "./chat.js";

const pageOfTurns = 30;
const tail = 128 << 10;

export class Panel {
  // tick gives the tick that is shown elsewhere, -1 for the newest; gone is called
  // when the panel closes.
  constructor(source, run, agent, { tick, model, live, serves, gone }) {
    Object.assign(this, { source, run, agent, tick, model, live, serves, gone });
    this.path = paths.agent(run, agent);
    this.asking = new AbortController();
    this.facts = h("dl", { class: "facts" });
    this.content = h("div", { class: "content", role: "tabpanel", id: "panel-content", tabindex: 0 });
    this.tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "What is shown of the agent", onkeydown: (e) => this.key(e) });
    this.title = h("h2", { tabindex: "-1", id: "panel-title" }, agent);
    this.el = h("aside", { class: "panel", "aria-labelledby": "panel-title", onkeydown: (e) => {
      if (e.key === "Escape") this.close(true);
    } },
    h("header", {}, this.title, h("span", { class: "grow" }),
      h("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: () => this.close(true) }, "✕")),
    this.facts, this.tabs, this.content);
    this.start();
  }

  async start() {
    this.offer(["Turns", "Log"]);
    this.show("Turns");
    await this.refresh();
    if (this.asking.signal.aborted) return;
    const names = this.names();
    this.offer(names);
    if (this.live() && this.serves(this.about)) this.link();
    if (names[0] === "Play" && this.now === "Turns") this.show("Play");
  }

  // names are those of the tabs that the agent has, as the run stands.
  names() {
    const kind = this.about?.kind;
    const names = ["Turns"];
    if (kind === "human" && this.live()) names.unshift("Play");
    if (this.model(this.about)) names.push("Transcript");
    if (kind !== "human") { // whose places have no process
      names.push("Log");
      if (this.source.live) names.push("Files");
      if (this.live()) names.push("Chat");
    }
    return names;
  }

  // link leads to what the agent serves. A browser sends no token with it, so it has
  // a ticket, which is good for a while.
  async link() {
    try {
      const { url } = await this.source.send("POST", this.path + "/http-ticket");
      this.title.after(h("a", { class: "serves", href: url, target: "_blank", rel: "noopener noreferrer" }, "Open what it serves"));
    } catch (e) {
      this.title.after(h("span", { class: "serves dim" }, e.message));
    }
  }

  focus() {
    this.title.focus({ preventScroll: true });
  }

  close(back) {
    this.asking.abort();
    this.leave();
    this.el.remove();
    this.gone(back);
  }

  // refresh writes the facts anew.
  async refresh() {
    if (this.refreshing) return;
    this.refreshing = true;
    try {
      this.about = await this.source.get(this.path, this.asking.signal);
      this.tell(this.about);
    } catch (e) {
      if (e.name !== "AbortError") this.facts.replaceChildren(h("p", { class: "bad" }, e.message));
    } finally {
      this.refreshing = false;
    }
  }

  tell(a) {
    const tokens = Object.entries(a.tokens ?? {}).filter(([, n]) => n > 0).map(([type, n]) => `${num(n)} ${type}`).join(", ");
    const facts = [
      ["state", a.ended ? "ended" : a.state], ["kind", a.kind], ["process", a.process !== a.agent && a.process], ["pid", a.pid || ""],
      ["turns", num(a.turns)], ["failures", failures(a)], ["score", num(a.score)],
      ["last", a.last && `${a.last.outcome}, tick ${num(a.last.tick)}`],
      ["latency", a.latency_ms?.mean ? `${millis(a.latency_ms.mean)} mean, ${millis(a.latency_ms.last)} last` : ""],
      ["cost", a.usd ? usd(a.usd) : ""], ["tokens", tokens], ["memory", a.memory_bytes ? bytes(a.memory_bytes) : ""], ["restarts", num(a.restarts || undefined)],
    ].filter(([, v]) => v);
    this.facts.replaceChildren(...facts.map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", { class: name === "failures" ? "bad" : null }, value))));
  }

  offer(names) {
    const focused = this.tabs.contains(document.activeElement) && document.activeElement.textContent;
    this.tabs.replaceChildren(...names.map((n) => h("button", {
      type: "button", role: "tab", "aria-controls": "panel-content", "aria-selected": String(n === this.now), tabindex: n === this.now ? 0 : -1,
      onclick: () => this.show(n),
    }, n)));
    if (focused) [...this.tabs.children].find((b) => b.textContent === focused)?.focus();
  }

  key(e) {
    const all = [...this.tabs.children], at = all.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step || at < 0) return;
    e.preventDefault();
    const next = all[(at + step + all.length) % all.length];
    next.focus();
    next.click();
  }

  show(name) {
    this.leave();
    this.now = name;
    setAttr(this.content, "aria-label", name);
    for (const b of this.tabs.children) {
      setAttr(b, "aria-selected", b.textContent === name);
      setAttr(b, "tabindex", b.textContent === name ? 0 : -1);
    }
    this.content.replaceChildren(h("p", { class: "dim" }, "…"));
    this.leaving = new AbortController();
    const show = { Turns: () => this.turns(), Transcript: () => this.transcript(), Log: () => this.log(), Files: () => this.files(""), Chat: () => this.chat(), Play: () => this.play() }[name];
    this.guard(show);
  }

  // leave ends what the shown tab had begun.
  leave() {
    this.leaving?.abort();
    this.seat?.close();
    this.talk?.close();
    this.seat = this.talk = null;
  }

  async guard(work) {
    const mine = this.leaving;
    try {
      await work();
    } catch (e) {
      if (e.name !== "AbortError" && mine === this.leaving) this.content.replaceChildren(h("p", { class: "bad" }, e.message));
    }
  }

  // moved tells that another tick is shown, or that the run went on.
  async moved(scrubbed) {
    if (!scrubbed) await this.refresh();
    if (this.now !== "Turns" || this.asking.signal.aborted) return;
    // Whoever reads, further down or by the keyboard, is left to it.
    const reads = this.content.scrollTop > 40 || this.content.contains(document.activeElement);
    if (scrubbed || !reads && this.about?.turns !== this.told) this.guard(() => this.turns());
  }

  // stands tells that the run goes on, or does not any more.
  async stands() {
    if (this.now === "Play") this.show("Play");
    await this.refresh();
    if (this.asking.signal.aborted) return;
    const names = this.names();
    this.offer(names.includes(this.now) ? names : [...names, this.now]);
  }

  async turns() {
    const at = this.tick(), signal = this.leaving.signal;
    const mine = this.turning = {}; // whoever scrubs on asks again before there is an answer
    this.told = this.about?.turns;
    const path = (before) => `${this.path}/turns?limit=${pageOfTurns}` + (before >= 0 ? `&before=${before}` : "");
    const list = h("div", { class: "turns" });
    const more = h("button", { type: "button" }, "Earlier turns");
    const take = async (before) => {
      const said = await this.source.turns(path(before), signal);
      list.append(...said.turns.map(turn));
      more.hidden = said.before === 0;
      more.onclick = () => this.guard(() => take(said.before));
    };
    await take(at >= 0 ? at + 1 : -1);
    if (this.now !== "Turns" || mine !== this.turning) return;
    const none = list.children.length > 0 ? "" : !this.source.live ? "The report has no turns of it up to here." : more.hidden ? "It was not asked yet." : "It was not asked lately.";
    this.content.replaceChildren(none ? h("p", { class: "dim" }, none) : "", list, more);
  }

  async transcript() {
    const text = await this.source.text(`${this.path}/transcript?tail=${tail * 4}`, this.leaving.signal);
    this.content.replaceChildren(transcript(text));
    this.content.scrollTop = this.content.scrollHeight;
  }

  async log() {
    const text = await this.source.text(`${this.path}/log?tail=${tail}`, this.leaving.signal);
    this.content.replaceChildren(text ? h("pre", { class: "text log" }, text) : h("p", { class: "dim" }, "It logged nothing."));
    this.content.scrollTop = this.content.scrollHeight;
  }

  async files(path) {
    const said = await this.source.get(this.where(path), this.leaving.signal);
    const up = path === "" ? [] : [h("li", {}, this.entry("..", path.split("/").slice(0, -1).join("/"), true))];
    this.content.replaceChildren(
      h("p", { class: "path" }, "/" + path),
      h("ul", { class: "files" }, ...up, ...(said.entries ?? []).map((e) => h("li", {},
        this.entry(e.name, path === "" ? e.name : path + "/" + e.name, /^dir/.test(e.type)),
        h("span", { class: "number dim" }, /^dir/.test(e.type) ? "" : bytes(e.size)), h("span", { class: "dim" }, when(e.modified))))),
      said.left_out > 0 ? h("p", { class: "dim" }, `${num(said.left_out)} more are not shown.`) : "",
      (said.entries ?? []).length === 0 && path === "" ? h("p", { class: "dim" }, "Its workspace is empty.") : "");
  }

  where(path) {
    return this.path + "/files" + (path === "" ? "" : "/" + path.split("/").map(enc).join("/"));
  }

  entry(name, path, dir) {
    return h("button", { type: "button", class: "plain name", onclick: () => this.guard(() => dir ? this.files(path) : this.file(path)) }, dir ? name + "/" : name);
  }

  async file(path) {
    const blob = await this.source.blob(this.where(path), this.leaving.signal);
    const start = new Uint8Array(await blob.slice(0, 65536).arrayBuffer());
    const binary = start.includes(0);
    const back = path.split("/").slice(0, -1).join("/");
    const save = h("button", { type: "button", onclick: () => {
      const link = h("a", { href: URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" })), download: path.split("/").pop() });
      link.click();
      URL.revokeObjectURL(link.href);
    } }, "Save");
    this.content.replaceChildren(
      h("p", { class: "path" }, this.entry("← back", back, true), ` /${path} `, h("span", { class: "dim" }, bytes(blob.size)), " ", save),
      binary ? h("p", { class: "dim" }, "It is no text.") : long(await blob.slice(0, 1 << 20).text(), "text"));
  }

  play() {
    if (!this.live()) {
      this.content.replaceChildren(h("p", { class: "dim" }, "The run does not go on now, so nobody is asked anything."));
      return;
    }
    this.seat = new Seat(this.source, this.run, this.agent);
    this.content.replaceChildren(this.seat.el);
  }

  chat() {
    this.talk = new Chat(this.source, this.path, this.agent);
    this.content.replaceChildren(this.talk.el);
    this.talk.focus();
  }
}
