// The data that a report carries, in place of the supervisor's API.

import { exact } from "./dom.js";
import { Problem } from "./api.js";

// reportData reads what the page carries: null where a supervisor serves it.
export async function reportData() {
  const el = document.getElementById("report");
  if (!el) return null;
  const packed = Uint8Array.from(atob(el.textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return exact(await new Response(stream).text());
}

// reportSource answers as httpSource does, from {run, note, answers: {path: JSON},
// texts: {path: text}, frames: [difference, …]}.
export function reportSource(data) {
  const missing = (path) => new Problem(404, { detail: `This is not in the report: ${path}. troupe events and troupe export have all of a run.` });
  const frames = new Frames(data.frames);
  const get = async (path) => {
    const [base, query] = path.split("?");
    const one = /\/frames\/(\d+)$/.exec(base);
    if (one) return frames.at(Number(one[1]));
    const agent = /^(.*\/agents)\/([^/]+)$/.exec(base);
    const found = agent && data.answers[agent[1]]?.agents.find((a) => a.agent === decodeURIComponent(agent[2]));
    if (found) return found;
    if (!(base in data.answers)) throw missing(base);
    return page(data.answers[base], base, new URLSearchParams(query ?? ""));
  };
  return {
    live: false, get, note: data.note, run: data.run,
    has: (path) => path in data.texts,
    turns: async (path) => {
      const [base, query] = path.split("?");
      const q = new URLSearchParams(query);
      if (!(base in data.answers)) throw missing(base);
      const all = data.answers[base].filter((t) => t.tick < Number(q.get("before") ?? Infinity));
      const turns = all.slice(0, Number(q.get("limit")));
      return { turns, before: turns.length < all.length ? turns[turns.length - 1].tick : 0 };
    },
    text: async (path) => {
      const base = path.split("?")[0];
      if (!(base in data.texts)) throw missing(base);
      return data.texts[base];
    },
    events: async (path, last, signal, take, opened) => {
      opened();
      if (data.frames.length > 0) take({ type: "message", id: null, data: JSON.stringify(frames.at(Infinity)) });
      take({ type: "end", id: null, data: null });
    },
  };
}

// page does what the supervisor would with limits, offsets and order.
function page(answer, path, query) {
  const limit = Number(query.get("limit") ?? Infinity), offset = Number(query.get("offset") ?? 0);
  if (path.endsWith("/agents")) {
    const failed = (a) => Object.values(a.failures ?? {}).reduce((n, x) => n + x, 0);
    const all = [...answer.agents].sort((a, b) => (query.get("sort") === "failures" ? failed(b) - failed(a) : 0) || (a.agent < b.agent ? -1 : 1));
    return { total: all.length, agents: all.slice(offset, offset + limit) };
  }
  return answer;
}

const keyEvery = 64; // frames

// Frames adds differences up to what was after any tick. Sums of some are kept, so
// that going back is quick.
class Frames {
  constructor(list) {
    this.list = list;
    this.keys = [new Whole()]; // before each keyEvery-th frame
    this.columns = new Map(); // name → points of the whole run
    for (const f of list) {
      for (const [name, points] of Object.entries(f.columns ?? {})) {
        if (!this.columns.has(name)) this.columns.set(name, []);
        for (const p of points) this.columns.get(name).push(p);
      }
    }
    this.race = raceOf(list, this.sum(list.length).scores);
  }

  // at gives the whole frame after a tick: of the last one before it, where the
  // report has not every tick.
  at(tick) {
    const n = upTo(this.list, tick, (f) => f.tick);
    const whole = this.sum(n).frame();
    if (n === 0 && this.list.length > 0) whole.tick = Math.max(0, Math.min(tick, this.list[0].tick));
    return { ...whole, columns: cut(this.columns, whole.tick), race: cut(this.race, whole.tick) };
  }

  // sum adds the first n frames up.
  sum(n) {
    let key = Math.min(Math.floor(n / keyEvery), this.keys.length - 1);
    const sum = new Whole(this.keys[key]);
    for (let i = key * keyEvery; i < n; i++) {
      sum.add(this.list[i]);
      if ((i + 1) % keyEvery === 0 && ++key === this.keys.length) this.keys.push(new Whole(sum));
    }
    return sum;
  }
}

// upTo is how many of a list, in the order of ticks, are of a tick or earlier.
function upTo(list, tick, tickOf) {
  let low = 0, high = list.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (tickOf(list[mid]) <= tick) low = mid + 1;
    else high = mid;
  }
  return low;
}

function cut(series, tick) {
  return Object.fromEntries([...series].map(([name, points]) => [name, points.slice(0, upTo(points, tick, (p) => p[0]))]));
}

const mostLeaders = 24;

// raceOf is how the scores came about of those who have the highest in the end.
function raceOf(list, scores) {
  const race = new Map([...scores].sort((a, b) => b[1] - a[1]).slice(0, mostLeaders).map(([agent]) => [agent, []]));
  for (const f of list) {
    if (!f.scores) continue;
    for (const [agent, points] of race) {
      if (Object.hasOwn(f.scores, agent)) points.push([f.tick, f.scores[agent]]);
    }
  }
  return race;
}

const mostKept = { messages: 200, events: 50 };

// A Whole is what is known after some frames; columns and race apart, which are the
// same however far one looks.
class Whole {
  constructor(from) {
    Object.assign(this, { tick: -1, hash: "", time: "", end: undefined, values: [] }, from);
    this.scores = new Map(from?.scores);
    this.failures = new Map(from?.failures);
    this.messages = { list: [], out: 0, ...from?.messages };
    this.events = { list: [], out: 0, ...from?.events };
    this.cells = from?.cells?.slice() ?? null;
  }

  add(f) {
    Object.assign(this, { tick: f.tick, hash: f.hash, time: f.time, end: f.end });
    for (const what of ["scores", "failures"]) {
      for (const [agent, x] of Object.entries(f[what] ?? {})) this[what].set(agent, x);
    }
    for (const [what, most] of Object.entries(mostKept)) {
      const all = [...this[what].list, ...(f[what] ?? [])], list = all.slice(-most);
      this[what] = { list, out: this[what].out + (f[what + "_left_out"] ?? 0) + all.length - list.length };
    }
    if (f.cells) this.paint(f.cells);
  }

  paint({ values, all, changed }) {
    this.values = values;
    if (all !== undefined) this.cells = Uint8Array.from(atob(all), (c) => c.charCodeAt(0));
    for (let i = 0; changed && i + 1 < changed.length; i += 2) this.cells[changed[i]] = changed[i + 1];
  }

  // frame is all of it as the API gives it.
  frame() {
    const { tick, hash, time, end, scores, failures, messages, events, cells, values } = this;
    return {
      tick, since: -1, hash, time, end, scores: Object.fromEntries(scores), failures: Object.fromEntries(failures),
      messages: messages.list, messages_left_out: messages.out, events: events.list, events_left_out: events.out,
      cells: cells ? { values, all: btoa(text(cells)) } : undefined,
    };
  }
}

function text(bytes) {
  let all = "";
  for (let i = 0; i < bytes.length; i += 8192) all += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return all;
}
