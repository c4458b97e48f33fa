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
// [tick, value], and of more than there is room for the lowest and the highest of
// parts that are equally wide.
export class Series {
  points = [];
  width = 1; // ticks of a part

  add(p) {
    const { points } = this;
    if (points.length > 0 && points.at(-1)[0] >= p[0]) return; // told before
    points.push(p);
    if (points.length <= mostPoints) return;
    let few = extremes(points, this.width);
    while (few.length > mostPoints * 0.75) few = extremes(points, this.width *= 2);
    this.points = few;
  }
}

// extremes leaves of each part of points, so many ticks wide, the lowest and the
// highest; and the last one.
function extremes(points, width) {
  const few = [], part = (i) => Math.floor(points[i][0] / width);
  for (let i = 0, end; i < points.length; i = end) {
    let low = i, high = i;
    for (end = i + 1; end < points.length && part(end) === part(i); end++) {
      if (points[end][1] < points[low][1]) low = end;
      if (points[end][1] > points[high][1]) high = end;
    }
    few.push(points[Math.min(low, high)]);
    if (low !== high) few.push(points[Math.max(low, high)]);
  }
  if (few.at(-1) !== points.at(-1)) few.push(points.at(-1));
  return few;
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
