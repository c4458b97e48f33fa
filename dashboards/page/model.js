// What is known of a run after a tick: frames are differences, which add up to it.

const mostPoints = 1000; // of a series
const mostRacers = 256; // agents whose scores are series
const mostMessages = 300; // of a thread, and of all threads together as they came
const mostThreads = 200;
const mostKept = 20_000; // messages of all threads
const mostEvents = 50;

// none is the value of a cell that has none.
export const none = 255;

// A Series is what came about over ticks, in a room that does not grow: points
// [tick, value] evenly apart, and the newest.
export class Series {
  points = [];
  gap = 0; // ticks between points, at least

  add(p) {
    const { points } = this, n = points.length;
    if (n > 0 && points[n - 1][0] >= p[0]) return; // told before
    if (n > 1 && points[n - 1][0] - points[n - 2][0] < this.gap) points[n - 1] = p; // the newest until now
    else points.push(p);
    if (points.length > mostPoints) this.thin();
  }

  thin() {
    const { points } = this, end = points.length - 1;
    this.gap = 2 * (points[end][0] - points[0][0]) / mostPoints;
    let n = 0;
    for (let i = 0; i <= end; i++) {
      if (n === 0 || i === end || points[i][0] - points[n - 1][0] >= this.gap) points[n++] = points[i];
    }
    points.length = n;
  }
}

export class Model {
  constructor() {
    this.reset();
  }

  reset() {
    this.tick = -1;
    this.hash = "";
    this.time = "";
    this.end = "";
    this.columns = new Map(); // name → Series
    this.scores = new Map();
    this.race = new Map(); // agent → Series of its scores
    this.failures = new Map(); // agent → {count, type, tick}
    this.threads = new Map(); // name → {name, total, messages, tick}
    this.said = []; // the newest messages of all threads
    this.heard = 0; // messages that came
    this.kept = 0; // of them in threads
    this.leftOut = 0; // others
    this.events = [];
    this.eventsLeftOut = 0;
    this.cells = null;
    this.values = [];
    this.counts = [];
  }

  // add takes a frame in. It gives which cells changed: an array of their indices,
  // "all", or null for none.
  add(frame) {
    if (frame.since === -1) this.reset();
    this.tick = frame.tick;
    this.hash = frame.hash ?? this.hash;
    this.time = frame.time ?? this.time;
    this.end = frame.end ?? "";
    for (const [name, points] of Object.entries(frame.columns ?? {})) extend(this.columns, name, points);
    for (const [agent, points] of Object.entries(frame.race ?? {})) extend(this.race, agent, points);
    for (const [agent, score] of Object.entries(frame.scores ?? {})) {
      this.scores.set(agent, Number(score));
      if (this.race.has(agent) || this.race.size < mostRacers) extend(this.race, agent, [[frame.tick, score]]);
    }
    for (const [agent, f] of Object.entries(frame.failures ?? {})) this.failures.set(agent, f);
    for (const m of frame.messages ?? []) this.message(m);
    this.leftOut += frame.messages_left_out ?? 0;
    for (const e of frame.events ?? []) this.events.push(e);
    this.eventsLeftOut += (frame.events_left_out ?? 0) + Math.max(0, this.events.length - mostEvents);
    if (this.events.length > mostEvents) this.events.splice(0, this.events.length - mostEvents);
    return frame.cells ? this.paint(frame.cells) : null;
  }

  // lead has the scores followed of those who lead, in place of others' where there
  // are too many.
  lead(agents) {
    for (const agent of agents) {
      if (this.race.has(agent)) continue;
      if (this.race.size >= mostRacers) this.race.delete([...this.race.keys()].find((a) => !agents.includes(a)));
      extend(this.race, agent, [[this.tick, this.scores.get(agent)]]);
    }
  }

  message(m) {
    this.heard++;
    this.said.push(m);
    if (this.said.length > 2 * mostMessages) this.said.splice(0, mostMessages);
    const name = m.channel ? "#" + m.channel : [m.from, m.to].sort().join(" · ");
    const thread = this.threads.get(name) ?? { name, total: 0, messages: [] };
    this.threads.delete(name);
    this.threads.set(name, thread); // whose newest message is the newest is last
    thread.total++;
    thread.messages.push(m);
    this.kept++;
    if (thread.messages.length > mostMessages) {
      thread.messages.shift();
      this.kept--;
    }
    for (const [old, { messages }] of this.threads) {
      if (this.threads.size <= mostThreads && this.kept <= mostKept) break;
      this.kept -= messages.length;
      this.threads.delete(old);
    }
  }

  paint(cells) {
    if (cells.values) this.values = cells.values;
    if (cells.all !== undefined) {
      const text = atob(cells.all);
      const all = new Uint8Array(text.length);
      this.counts = new Array(this.values.length).fill(0);
      for (let i = 0; i < text.length; i++) this.counted(all[i] = text.charCodeAt(i), 1);
      this.cells = all;
      return "all";
    }
    const list = cells.changed ?? [], changed = [];
    for (let i = 0; i + 1 < list.length; i += 2) {
      this.counted(this.cells[list[i]], -1);
      this.counted(this.cells[list[i]] = list[i + 1], 1);
      changed.push(list[i]);
    }
    return changed;
  }

  counted(value, n) {
    if (value !== none) this.counts[value] = (this.counts[value] ?? 0) + n;
  }

  // failed is how many agents failed, and how often in all.
  failed() {
    let agents = 0, total = 0;
    for (const f of this.failures.values()) {
      if (f.count > 0) agents++;
      total += f.count;
    }
    return { agents, total };
  }
}

function extend(map, name, points) {
  let all = map.get(name);
  if (!all) map.set(name, all = new Series());
  for (const [tick, value] of points) all.add([tick, Number(value)]); // which may be a BigInt
}
