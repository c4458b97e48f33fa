// The data that a report carries, in place of the supervisor's API.

import { Problem } from "./api.js";

// reportData reads what the page carries: null where a supervisor serves it.
export async function reportData() {
  const el = document.getElementById("report");
  if (!el) return null;
  const packed = Uint8Array.from(atob(el.textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
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
    this.keys = new Map([[-1, { tick: -1, since: -1, columns: {}, scores: {}, failures: {}, messages: [], events: [] }]]);
  }

  // at gives the whole frame after a tick: of the last one before it, where the
  // report has not every tick.
  at(tick) {
    let low = 0, high = this.list.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (this.list[mid].tick <= tick) low = mid + 1;
      else high = mid;
    }
    const want = low - 1;
    let from = -1;
    for (const k of this.keys.keys()) if (k <= want && k > from) from = k;
    let sum = this.keys.get(from);
    for (let i = from + 1; i <= want; i++) {
      sum = added(sum, this.list[i]);
      if (i % keyEvery === keyEvery - 1) this.keys.set(i, sum);
    }
    if (want < 0 && this.list.length > 0) return { ...sum, tick: Math.max(0, Math.min(tick, this.list[0].tick)) };
    return sum;
  }
}

const mostKept = { messages: 200, events: 50 };

// added is a whole frame and what came after it, as a new whole frame.
function added(whole, f) {
  const sum = {
    ...whole, tick: f.tick, since: -1, hash: f.hash, time: f.time, end: f.end,
    columns: { ...whole.columns }, scores: { ...whole.scores, ...f.scores }, failures: { ...whole.failures, ...f.failures },
  };
  for (const [name, points] of Object.entries(f.columns ?? {})) sum.columns[name] = [...(sum.columns[name] ?? []), ...points];
  for (const what of ["messages", "events"]) {
    const all = [...whole[what], ...(f[what] ?? [])];
    sum[what] = all.slice(-mostKept[what]);
    sum[what + "_left_out"] = (whole[what + "_left_out"] ?? 0) + (f[what + "_left_out"] ?? 0) + all.length - sum[what].length;
  }
  if (f.cells?.all !== undefined) sum.cells = f.cells;
  else if (f.cells?.changed) {
    const bytes = Uint8Array.from(atob(whole.cells.all), (c) => c.charCodeAt(0));
    for (let i = 0; i + 1 < f.cells.changed.length; i += 2) bytes[f.cells.changed[i]] = f.cells.changed[i + 1];
    sum.cells = { values: f.cells.values ?? whole.cells.values, all: btoa(text(bytes)) };
  }
  return sum;
}

function text(bytes) {
  let all = "";
  for (let i = 0; i < bytes.length; i += 8192) all += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return all;
}
