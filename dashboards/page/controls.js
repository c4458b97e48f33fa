// What is done with a run that goes on: pause, step, speed, stop; and with one
// that was interrupted.

import { h, setText, setAttr, say } from "./dom.js";
import { paths } from "./api.js";

const speeds = [1, 2, 5, 10, 20, 50];

export class Controls {
  // changed is called with the run as the supervisor says it is now.
  constructor(source, run, changed, wrong) {
    Object.assign(this, { source, run, changed, wrong });
    const button = (text, act, className) => h("button", { type: "button", class: className, onclick: act }, text);
    this.pause = button("Pause", () => this.post(this.info.paused ? "/resume" : "/pause", undefined, this.info.paused ? "Goes on" : "Paused"), "main");
    this.step = button("Step", () => this.post("/step", { ticks: Math.max(1, Number(this.many.value) || 1) }, "Stepped"));
    this.many = h("input", { type: "number", min: 1, max: 100000, value: 1, class: "small", "aria-label": "Ticks of a step" });
    this.speed = h("select", { "aria-label": "Speed", onchange: () => this.put(Number(this.speed.value)) },
      h("option", { value: 0 }, "full speed"), ...speeds.map((n) => h("option", { value: n }, n === 1 ? "1 tick/s" : `${n} ticks/s`)));
    this.stop = button("Stop", () => this.end());
    this.again = button("Go on with the run", () => this.post("/resume", undefined, "Started again"), "main");
    this.going = h("span", { class: "group" }, this.pause, h("span", { class: "joined" }, this.step, this.many), this.speed, this.stop);
    this.el = h("div", { class: "controls", role: "group", "aria-label": "Controls of the run" }, this.going, this.again);
    this.show(null);
  }

  show(info) {
    this.info = info;
    const running = info?.status === "running";
    this.going.hidden = !running;
    this.again.hidden = info?.status !== "interrupted";
    if (!running) return;
    setText(this.pause, info.paused ? "Resume" : "Pause");
    this.step.disabled = this.many.disabled = !info.paused;
    setAttr(this.step, "title", info.paused ? null : "Pause the run first");
    if (document.activeElement !== this.speed) this.choose(info.ticks_per_second ?? 0);
  }

  choose(n) {
    if (![...this.speed.options].some((o) => Number(o.value) === n)) this.speed.append(h("option", { value: n }, `${n} ticks/s`));
    this.speed.value = String(n);
  }

  post(what, body, done) {
    return this.act(() => this.source.send("POST", paths.run(this.run) + what, body), done);
  }

  put(n) {
    return this.act(() => this.source.send("PUT", paths.run(this.run) + "/speed", { ticks_per_second: n }), "Speed changed");
  }

  end() {
    if (!confirm(`Stop the run ${this.run}? It can be resumed.`)) return;
    this.post("/stop", undefined, "Stopped");
  }

  async act(what, done) {
    try {
      const info = await what();
      this.wrong(null);
      say(done);
      this.changed(info);
    } catch (e) {
      this.wrong(e);
      this.changed(null);
    }
  }
}
