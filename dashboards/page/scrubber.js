// A slider over the ticks of a run. At its end it follows the run; anywhere else
// it shows what was.

import { h, setText, setAttr, num } from "./dom.js";

const frameTime = 60; // milliseconds between ticks that are played, at least
const mostPlayed = 2000; // ticks; of a longer run every so manyth is

export class Scrubber {
  // seek is called with a tick, or with -1 to follow the newest; it returns what is
  // shown then.
  constructor(seek) {
    this.seek = seek;
    this.at = -1;
    this.last = -1;
    this.range = h("input", { type: "range", min: 0, max: 0, value: 0, "aria-label": "Tick", oninput: () => {
      this.halt();
      this.go(Number(this.range.value));
    } });
    this.label = h("span", { class: "at number" });
    this.play = h("button", { type: "button", onclick: () => this.toggle() }, "Play");
    this.follow = h("button", { type: "button", onclick: () => {
      this.halt();
      this.go(-1);
    } }, "Follow");
    this.el = h("div", { class: "scrubber", role: "group", "aria-label": "Ticks" }, this.play, this.range, this.label, this.follow);
  }

  close() {
    this.halt();
  }

  // grow tells of the newest tick, and of whether there will be more.
  grow(last, going) {
    this.last = last;
    this.range.max = Math.max(0, last);
    this.going = going;
    setText(this.follow, going ? "Follow" : "To the end");
    this.tell();
  }

  tell() {
    const shown = this.at < 0 ? this.last : this.at;
    if (this.at < 0 || document.activeElement !== this.range) this.range.value = Math.max(0, shown);
    setAttr(this.range, "aria-valuetext", shown < 0 ? "no tick yet" : `tick ${shown}${this.at < 0 ? ", the newest" : ""}`);
    setText(this.label, shown < 0 ? "no tick yet" : `tick ${num(shown)}`);
    setAttr(this.follow, "aria-pressed", this.at < 0);
    this.follow.disabled = this.last < 0;
    this.play.disabled = this.last < 1;
  }

  // go shows a tick. While one is being fetched, only the newest wish is kept.
  async go(tick) {
    if (tick >= this.last && !this.going) tick = -1;
    this.at = tick;
    this.tell();
    this.wish = tick;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.wish !== undefined) {
        const next = this.wish;
        this.wish = undefined;
        const shown = await this.seek(next);
        if (this.wish === undefined) this.at = shown;
      }
    } finally {
      this.busy = false;
      this.tell();
    }
  }

  toggle() {
    if (this.playing) this.halt();
    else this.run();
  }

  halt() {
    this.playing = null;
    setText(this.play, "Play");
  }

  // run plays tick after tick from where the slider is, from the start where that
  // is the end.
  async run() {
    const mine = this.playing = {};
    setText(this.play, "Hold");
    const stride = Math.ceil((this.last + 1) / mostPlayed);
    let tick = this.at < 0 || this.at >= this.last ? 0 : Math.min(this.at + stride, this.last);
    while (this.playing === mine) {
      const began = performance.now();
      await this.go(tick);
      if (this.at < 0 || tick >= this.last) break;
      tick = Math.min(tick + stride, this.last);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, frameTime - (performance.now() - began))));
    }
    if (this.playing === mine) this.halt();
  }
}
