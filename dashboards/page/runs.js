// All runs of the supervisor, and the form that starts one.

import { h, setText, num, when, count, say, exact } from "./dom.js";
import { paths, enc } from "./api.js";

const again = 2000; // milliseconds
const mostUpload = 30 << 20; // bytes; the supervisor takes no more

export class RunsView {
  constructor(source, { link, trouble }) {
    Object.assign(this, { source, link, trouble });
    this.asking = new AbortController();
    this.sum = h("span", { class: "dim" });
    this.rows = h("tbody");
    this.none = h("p", { class: "dim", hidden: true }, "No run yet.");
    this.table = h("table", { class: "runs" }, h("caption", { class: "visually-hidden" }, "Runs"), h("thead", {}, h("tr", {},
      ...["run", "status", "ticks", "agents", "scenario", "started", ""].map((t) =>
        h("th", { scope: "col", class: /ticks|agents/.test(t) ? "number c-" + t : "c-" + t }, t || h("span", { class: "visually-hidden" }, "actions"))))), this.rows);
    this.start = h("section", { class: "block start", hidden: true });
    this.el = h("div", { class: "front" },
      h("section", { class: "block" }, h("header", {}, h("h1", {}, "Runs"), this.sum), this.none, h("div", { class: "wide" }, this.table)), this.start);
    this.refresh();
    this.clock = setInterval(() => document.hidden || this.refresh(), again);
    this.offer();
  }

  close() {
    clearInterval(this.clock);
    this.asking.abort();
  }

  recolour() {}

  async refresh() {
    if (this.busy) return;
    this.busy = true;
    try {
      const list = await this.source.get(paths.runs, this.asking.signal);
      this.link("live");
      this.trouble(null);
      this.show(list);
    } catch (e) {
      if (e.name === "AbortError") return;
      if (e.status === 0) this.link("lost");
      this.trouble(e);
    } finally {
      this.busy = false;
    }
  }

  show(list) {
    setText(this.sum, count(list.length, "run"));
    this.none.hidden = list.length > 0;
    this.table.hidden = list.length === 0;
    const key = (r) => JSON.stringify([r.run, r.started, r.status, r.paused, r.error]);
    const text = JSON.stringify(list.map(key));
    if (text !== this.shown) this.fill(list);
    this.shown = text;
    list.forEach((r, i) => setText(this.rows.children[i].children[2], num(r.ticks) + (r.last ? ` of ${num(r.last)}` : "")));
  }

  // fill writes all rows anew, and leaves the focus where it is.
  fill(list) {
    const focus = document.activeElement?.dataset?.key;
    this.rows.replaceChildren(...list.map((r) => this.row(r)));
    if (focus) this.rows.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
  }

  row(r) {
    const act = (name, what) => h("button", { type: "button", class: "quiet", "data-key": `${name} ${r.run}`, "aria-label": `${name} run ${r.run}`, onclick: what }, name);
    const paused = r.status === "running" && r.paused;
    return h("tr", {},
      h("td", {}, h("a", { href: "#/run/" + enc(r.run), "data-key": "open " + r.run }, r.run)),
      h("td", {}, h("span", { class: "status " + (paused ? "paused" : r.status) }, paused ? "paused" : r.status), r.error && h("span", { class: "bad", title: r.error }, " " + r.error)),
      h("td", { class: "number c-ticks" }),
      h("td", { class: "number c-agents" }, num(r.agents)),
      h("td", { class: "c-scenario" }, r.scenario ?? ""),
      h("td", { class: "c-started" }, when(r.started)),
      h("td", { class: "acts" },
        r.status === "interrupted" && act("Resume", () => this.act("POST", paths.run(r.run) + "/resume", `${r.run} goes on`)),
        r.status === "running" && act("Stop", () => this.act("POST", paths.run(r.run) + "/stop", `${r.run} stopped`)),
        act("Delete", () => confirm(`Delete the run ${r.run} with all its files?`) &&
          this.act("DELETE", paths.run(r.run) + (r.status === "running" ? "?force=true" : ""), `${r.run} deleted`))));
  }

  async act(method, path, done) {
    try {
      await this.source.send(method, path);
      this.trouble(null, true);
      say(done);
      this.refresh();
    } catch (e) {
      this.trouble(e, true);
    }
  }

  // offer shows the form where this supervisor starts runs.
  async offer() {
    let list;
    try {
      if (!(await this.source.get("/v1/server", this.asking.signal)).serves) return; // it works on one run alone
      list = await this.source.get("/v1/scenarios", this.asking.signal);
    } catch {
      return; // the list of runs tells what is wrong
    }
    const scenario = h("select", { name: "scenario" },
      ...list.map((s) => h("option", { value: s.scenario }, s.scenario + (s.invalid ? " (lacks something)" : ""))),
      h("option", { value: "" }, "files of mine …"));
    const about = h("p", { class: "dim" });
    const files = h("input", { type: "file", multiple: true, "aria-label": "Scenario and the files that it names" });
    const upload = h("label", { hidden: true }, h("span", {}, "Scenario and the files that it names; the first YAML file is the scenario"), files);
    const field = (label, props) => {
      const el = h("input", props);
      return [el, h("label", {}, h("span", {}, label), el)];
    };
    const [name, nameLabel] = field("name", { placeholder: "made up", pattern: "[A-Za-z0-9_\\-]+" });
    const [seed, seedLabel] = field("seed", { inputmode: "numeric", pattern: "[0-9]+", placeholder: "the scenario's" });
    const [speed, speedLabel] = field("ticks a second", { type: "number", min: 0, step: "any", placeholder: "full speed" });
    const [paused, pausedLabel] = field("begin paused", { type: "checkbox" });
    const set = h("textarea", { rows: 2, spellcheck: "false", placeholder: "agents.alice.kind=human", class: "json" });
    const wrong = h("div", { role: "alert", class: "problems" });
    const button = h("button", { type: "submit", class: "main" }, "Start");
    const describe = () => {
      upload.hidden = scenario.value !== "";
      const s = list.find((x) => x.scenario === scenario.value);
      setText(about, s ? [s.description, s.agents > 0 && `${count(s.agents, "agent")}.`].filter(Boolean).join(" ") : "");
    };
    scenario.addEventListener("change", describe);
    const start = async (e) => {
      e.preventDefault();
      button.disabled = true;
      wrong.replaceChildren();
      try {
        const want = scenario.value ? { scenario: scenario.value } : await uploaded([...files.files]);
        if (name.value) want.name = name.value;
        if (seed.value) want.seed = exact(seed.value);
        if (Number(speed.value) > 0) want.ticks_per_second = Number(speed.value);
        if (paused.checked) want.paused = true;
        const sets = set.value.split("\n").map((l) => l.trim()).filter(Boolean);
        if (sets.length > 0) want.set = sets;
        const run = await this.source.send("POST", paths.runs, want);
        location.hash = "#/run/" + enc(run.run);
      } catch (x) {
        const problems = x.problems ?? [];
        wrong.replaceChildren(h("p", { class: "bad" }, problems.length > 0 ? count(problems.length, "problem") : x.message),
          h("ul", {}, ...problems.map((p) => h("li", {}, h("pre", { class: "text" }, p)))));
      } finally {
        button.disabled = false;
      }
    };
    this.start.append(h("h2", {}, "Start a run"), h("form", { class: "stack", onsubmit: start },
      h("label", {}, h("span", {}, "scenario"), scenario), about, upload,
      h("div", { class: "pair" }, nameLabel, seedLabel, speedLabel, h("div", { class: "check" }, pausedLabel)),
      h("details", {}, h("summary", {}, "Change values of the scenario"), h("label", {}, h("span", {}, "path=value, one a line"), set)),
      wrong, button));
    describe();
    this.start.hidden = false;
  }
}

// uploaded reads chosen files as the supervisor takes them.
async function uploaded(list) {
  if (list.length === 0) throw new Error("Choose the scenario's file, and those that it names.");
  if (list.reduce((n, f) => n + f.size, 0) > mostUpload) throw new Error(`These files are too large: ${num(mostUpload >> 20)} MiB at most together.`);
  const main = list.find((f) => /\.ya?ml$/i.test(f.name));
  if (!main) throw new Error("None of these files is YAML, so none is a scenario.");
  const files = {};
  for (const f of list) files[f.name] = await content(f);
  return { scenario: main.name, files };
}

async function content(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    let text = "";
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return { base64: btoa(text) };
  }
}
