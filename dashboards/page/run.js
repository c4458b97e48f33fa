// One run: its clock, controls and ticks, the picture of its world, what it
// collects, and its agents.

import { h, setText, setAttr, num, count, usd, when, say, once, seldom } from "./dom.js";
import { paths } from "./api.js";
import { Model } from "./model.js";
import { follow } from "./stream.js";
import { Grid } from "./grid.js";
import { Race } from "./race.js";
import { Threads } from "./threads.js";
import { Charts } from "./charts.js";
import { Events } from "./events.js";
import { Agents } from "./agents.js";
import { Panel } from "./panel.js";
import { Controls } from "./controls.js";
import { Scrubber } from "./scrubber.js";
import { messageForm } from "./message.js";
import { matches, natural } from "./order.js";

const changes = new Set(["queued", "running", "interrupted"]); // statuses that may become others
const roomForBoth = 760, besideGrid = 234; // pixels: a grid with charts beside it, and these with their gap
const firstPause = 300, longestPause = 5000; // milliseconds
const restAfter = 60_000; // milliseconds that nobody sees the page

export class RunView {
  // another is called where the run turns out to be another one of that name.
  constructor(source, run, { link, trouble, another }) {
    Object.assign(this, { source, run, link, trouble, another });
    this.newest = new Model(); // follows the run
    this.model = this.newest; // is shown
    this.asking = new AbortController();
    this.parts = [];
    this.frames = 0; // taken from the stream
    this.build();
    this.draw = once(() => this.render());
    this.drawSlow = seldom(150, () => this.renderSlow());
    this.askInfo = seldom(1000, () => this.getInfo());
    this.seen = () => this.rest();
    document.addEventListener("visibilitychange", this.seen);
    this.start();
  }

  build() {
    const wrong = (e) => this.trouble(e, true);
    this.status = h("span", { class: "status" });
    this.facts = h("dl", { class: "facts" });
    this.note = h("p", { class: "note" });
    this.failed = h("p", { class: "bad failed" });
    this.controls = new Controls(this.source, this.run, (info) => info?.run ? this.told(info) : this.getInfo(), wrong);
    this.scrubber = new Scrubber((tick) => this.seek(tick));
    this.world = h("section", { class: "block world", "aria-label": "World" });
    this.charts = new Charts((tick) => this.scrubber.go(tick));
    this.events = new Events();
    this.agents = new Agents(this.source, this.run, (id) => this.open(id), this.trouble);
    this.message = messageForm(this.source, this.run);
    this.side = h("div", { class: "side" }, this.agents.el, this.message);
    this.mainEl = h("div", { class: "main" }, this.world, this.charts.el, this.events.el);
    this.el = h("div", { class: "run" },
      h("section", { class: "head" },
        h("div", { class: "title" }, h("h1", {}, this.run), this.status, this.source.live && this.controls.el),
        this.facts, this.note, this.failed, this.scrubber.el),
      h("div", { class: "columns" }, this.mainEl, this.side));
  }

  close() {
    this.closed = true;
    this.asking.abort();
    this.unfollow?.();
    this.agents.close();
    this.scrubber.close();
    this.drawSlow.stop();
    this.askInfo.stop();
    clearInterval(this.clock);
    clearTimeout(this.sleep);
    document.removeEventListener("visibilitychange", this.seen);
    for (const p of [...this.parts, this.charts]) p.close();
    this.panel?.close(false);
  }

  async start() {
    try {
      this.told(await this.insist(paths.run(this.run)));
      if (this.closed) return;
      this.follow();
      this.rest(); // it may have been opened beside what is looked at
      this.plan = await this.insist(paths.run(this.run) + "/plan");
    } catch (e) {
      if (e.name === "AbortError") return;
      this.trouble(e);
      if (!this.info) return;
      this.plan = { view: { race: true, threads: true, charts: ["*"] }, agents: [] };
    }
    this.picture();
    this.draw();
    // What no frame tells: that somebody else paused it, or its supervisor's end.
    if (this.source.live) this.clock = setInterval(() => changes.has(this.info.status) && !document.hidden && this.askInfo(), 2000);
  }

  // insist asks until somebody answers.
  async insist(path) {
    for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
      try {
        const said = await this.source.get(path, this.asking.signal);
        if (this.lost) this.connected("live");
        return said;
      } catch (e) {
        if (e.status !== 0) throw e;
        this.connected("lost");
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  follow() {
    this.unfollow?.();
    this.unfollow = follow(this.source, this.run, (f) => this.take(f), (how, e) => this.connected(how, e));
  }

  // rest has a page that nobody sees give its stream back after a while: a browser
  // has six connections to a supervisor, for all of its pages. Whoever looks again
  // gets the whole of what there is.
  rest() {
    clearTimeout(this.sleep);
    if (document.hidden && this.unfollow && !this.over) {
      this.sleep = setTimeout(() => {
        this.unfollow();
        this.resting = true;
      }, restAfter);
    } else if (!document.hidden && this.resting) {
      this.resting = false;
      this.follow();
      this.askInfo();
    }
  }

  // picture makes what the plan's view says.
  picture() {
    const view = this.plan.view ?? {};
    if (view.grid) {
      const cells = (this.plan.agents ?? []).map((a) => a.id).filter((id) => matches(view.grid.agents, id)).sort(natural);
      this.grid = new Grid(view.grid.columns, (i) => cells[i] ?? `cell ${i}`, (i) => cells[i] && this.open(cells[i]), this.mainEl);
      this.parts.push(this.grid);
      this.world.append(this.grid.el);
    }
    if (view.race) {
      this.race = new Race((tick) => this.scrubber.go(tick), (id) => this.open(id));
      this.race.el.hidden = true;
      this.parts.push(this.race);
      this.world.append(this.race.el);
    }
    if (view.threads) {
      this.threads = new Threads((id) => this.open(id));
      this.threads.el.hidden = true;
      this.parts.push(this.threads);
      this.world.append(this.threads.el);
    }
    this.pending = "all";
  }

  async getInfo() {
    try {
      this.told(await this.source.get(paths.run(this.run), this.asking.signal));
      this.trouble(null);
    } catch (e) {
      if (e.name === "AbortError" || e.status === 0 && this.info) return; // the stream tells of the connection
      this.trouble(e);
    }
  }

  told(info) {
    const before = this.info?.status;
    if (this.info && when(info.started) && this.info.started !== info.started) { // it has none while it is made
      this.another();
      return;
    }
    this.info = info;
    if (before && before !== info.status) {
      say(`The run is ${info.status}`);
      this.panel?.stands();
    }
    if (info.status === "running" && this.over) { // started again
      this.over = false;
      setTimeout(() => this.closed || this.follow(), 500);
    }
    this.draw();
  }

  connected(how, e) {
    if (how === "over") {
      this.over = true;
      this.getInfo();
      this.agents.changed();
    }
    if (how === "live" && this.lost) {
      this.lost = false;
      say("Connected again");
      this.getInfo();
      this.agents.changed();
    }
    if (how === "lost") this.lost = true;
    if (how === "lost" && e?.status > 0) this.trouble(e, true); // there is an answer, and it says what is wrong
    this.controls.el.inert = Boolean(this.lost); // nobody would hear them
    if (how === "failed") this.trouble(e);
    this.link(how === "lost" ? "lost" : how === "over" ? "over" : "live");
  }

  // take takes a frame of the stream in.
  take(frame) {
    const changed = this.newest.add(frame);
    if (this.model === this.newest) this.changed(changed);
    this.frames++;
    this.agents.changed();
    this.panelMoved?.();
    if (frame.end || this.info && frame.tick >= this.info.ticks) this.askInfo();
    this.draw();
  }

  // changed remembers which cells are to be drawn.
  changed(cells) {
    if (cells === "all" || this.pending === "all") this.pending = "all";
    else if (cells) {
      this.pending ??= [];
      for (const i of cells) this.pending.push(i);
      if (this.pending.length > 1e5) this.pending = "all";
    }
  }

  // seek shows a tick, or follows where it is -1, and says which of them it is that
  // is shown now.
  async seek(tick) {
    try {
      this.model = tick < 0 ? this.newest : await this.past(tick);
      this.pending = "all";
      this.panel?.moved(true);
      this.draw();
    } catch (e) {
      if (e.name !== "AbortError") this.trouble(e);
    }
    return this.model === this.newest ? -1 : this.asked;
  }

  async past(tick) {
    const frame = await this.source.get(`${paths.frames(this.run)}/${tick}`, this.asking.signal);
    this.asked = tick; // a report may have an earlier one in its place
    const m = new Model();
    m.add(frame);
    return m;
  }

  // render draws what is quick, in an animation frame.
  render() {
    if (this.closed) return;
    const m = this.model, info = this.info;
    this.grid?.show(m, this.pending);
    this.pending = null;
    this.scrubber.grow(this.newest.tick, info?.status === "running");
    if (info) this.clockText(info);
    this.drawSlow();
  }

  clockText(info) {
    const paused = info.status === "running" && info.paused;
    setText(this.status, paused ? "paused" : info.status);
    setAttr(this.status, "class", "status " + (paused ? "paused" : info.status));
    this.controls.show(info);
    this.message.hidden = !this.source.live || info.status !== "running";
    setAttr(this.el, "data-tick", this.model.tick);
    setAttr(this.el, "data-newest", this.newest.tick);
    setAttr(this.el, "data-frames", this.frames);
  }

  // renderSlow draws the rest, a few times a second.
  renderSlow() {
    if (this.closed || !this.plan) return;
    const m = this.model, all = this.newest;
    const cursor = m === all ? -1 : m.tick;
    const last = Math.max(all.tick, 0);
    if (this.race) {
      this.race.el.hidden = all.scores.size === 0;
      if (!this.race.el.hidden) this.race.show(m, all, last, cursor);
    }
    if (this.threads) {
      this.threads.el.hidden = all.threads.size === 0;
      if (!this.threads.el.hidden) this.threads.show(m);
    }
    this.world.hidden = !this.parts.some((p) => !p.el.hidden);
    this.charts.show(m, all, this.plan.view?.charts ?? ["*"], last, cursor);
    this.arrange();
    this.events.show(m, all);
    this.agents.show(m === all ? null : m, all.scores.size > 0);
    this.showFacts(m);
  }

  // arrange has charts stand beside a grid where there is room for both.
  arrange() {
    if (!this.grid) return;
    const alone = this.parts.every((p) => p === this.grid || p.el.hidden);
    const beside = alone && !this.charts.el.hidden && this.mainEl.clientWidth >= roomForBoth;
    if (beside === this.mainEl.classList.contains("beside")) return;
    this.mainEl.classList.toggle("beside", beside);
    this.grid.beside = beside ? besideGrid : 0;
    this.grid.resize();
  }

  showFacts(m) {
    const info = this.info;
    if (!info) return;
    const facts = [
      ["ticks", num(Math.max(info.ticks ?? 0, this.newest.tick + 1)) + (info.last ? ` of ${num(info.last)}` : "")],
      ["scenario", info.scenario], ["seed", String(info.seed ?? "")],
      ["hash", m.hash ? m.hash.slice(0, 12) : ""], ["walls", info.isolation], ["cost", usd(info.usd || undefined)],
    ].filter(([, v]) => v);
    if (this.facts.children.length !== facts.length) {
      this.facts.replaceChildren(...facts.map(() => h("div", {}, h("dt"), h("dd"))));
    }
    facts.forEach(([name, value], i) => {
      setText(this.facts.children[i].firstChild, name);
      setText(this.facts.children[i].lastChild, value);
      if (name === "hash") setAttr(this.facts.children[i].lastChild, "title", m.hash);
    });
    const { agents, total } = m.failed();
    setText(this.failed, total === 0 ? "" : `${count(total, "failure")} of ${count(agents, "agent")}`);
    setText(this.note, [info.error, this.source.note].filter(Boolean).join(" "));
  }

  open(agent) {
    if (!agent) return;
    this.panel?.close(false);
    const from = document.activeElement;
    this.panel = new Panel(this.source, this.run, agent, {
      tick: () => this.model === this.newest ? -1 : this.model.tick,
      live: () => this.source.live && this.info?.status === "running",
      model: (a) => a && (a.kind === "claude" || a.kind === "codex" || this.source.has?.(paths.agent(this.run, agent) + "/transcript") || a.usd > 0 || Object.values(a.tokens ?? {}).some((n) => n > 0)),
      serves: (a) => a && (this.plan?.entries ?? []).some((e) => e.id === a.entry && e.serves),
      gone: (back) => {
        this.panel = null;
        this.panelMoved?.stop();
        this.panelMoved = null;
        this.side.classList.remove("open");
        if (back) (from?.isConnected ? from : document.getElementById("main")).focus({ preventScroll: true });
      },
    });
    this.panelMoved = seldom(1500, () => this.panel?.moved(false));
    this.side.prepend(this.panel.el);
    this.side.classList.add("open");
    this.panel.focus();
  }

  recolour() {
    for (const p of [...this.parts, this.charts]) p.recolour();
  }
}
