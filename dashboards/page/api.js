// Where what the page shows comes from: the supervisor's API, or the data that a
// report carries. Both give the same.

import { exact, written } from "./dom.js";

export class Problem extends Error {
  constructor(status, said) {
    super(said.detail || said.title || `the supervisor answered ${status}`);
    this.status = status;
    this.problems = said.problems ?? [];
  }
}

const tokenKey = "troupe.token";

// takeToken keeps the token of a link like /#token=…, or /#token=…&/run/NAME, out of
// the address bar and for this tab alone.
export function takeToken() {
  const found = /^#token=([^&]+)(?:&(.*))?$/.exec(location.hash);
  if (!found) return;
  keepToken(decoded(found[1]));
  history.replaceState(null, "", location.pathname + location.search + "#" + (found[2] || "/"));
}

export function keepToken(token) {
  sessionStorage.setItem(tokenKey, token);
}

function token() {
  return sessionStorage.getItem(tokenKey) ?? "";
}

async function ask(method, path, { body, signal, headers } = {}) {
  const h = { ...headers };
  if (token()) h.Authorization = "Bearer " + token();
  if (body !== undefined) h["Content-Type"] = "application/json";
  let res;
  try {
    res = await fetch(path, {
      method, signal, headers: h, cache: "no-store", credentials: "omit",
      body: body === undefined ? undefined : written(body),
    });
  } catch (e) {
    if (e.name === "AbortError") throw e;
    throw new Problem(0, { detail: "The supervisor does not answer. If it has ended, start it again: troupe serve, or troupe resume RUN." });
  }
  if (res.ok) return res;
  const text = await res.text();
  let said = { detail: text.trim() };
  try {
    said = JSON.parse(text);
  } catch { /* a proxy's page, or a plain text */ }
  throw new Problem(res.status, said);
}

// httpSource asks the supervisor that served the page.
export const httpSource = {
  live: true,
  get: async (path, signal) => {
    const res = await ask("GET", path, { signal });
    return res.status === 204 ? null : exact(await res.text());
  },
  // turns gives some turns, and which tick those before them are before; 0 for none.
  turns: async (path, signal) => {
    const res = await ask("GET", path, { signal });
    return { turns: exact(await res.text()), before: Number(res.headers.get("Troupe-Before") ?? 0) };
  },
  text: async (path, signal) => (await ask("GET", path, { signal })).text(),
  blob: async (path, signal) => (await ask("GET", path, { signal })).blob(),
  send: async (method, path, body) => {
    const res = await ask(method, path, { body });
    const text = await res.text();
    return text ? exact(text) : null;
  },
  events,
  socket: (path) => new WebSocket(new URL(path, location.href).href.replace(/^http/, "ws"),
    token() ? ["troupe.v1", "bearer." + token()] : ["troupe.v1"]),
};

// events reads a stream of Server-Sent Events that begins after the last id, until it
// ends, and gives each to take. opened is called once it is there.
async function events(path, last, signal, take, opened) {
  const headers = { Accept: "text/event-stream" };
  if (last !== "") headers["Last-Event-ID"] = last;
  const res = await ask("GET", path, { signal, headers });
  opened();
  const reader = res.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventParser(take);
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      parser.add(value);
    }
  } finally {
    reader.cancel().catch(() => {}); // it may be broken already
  }
}

// An EventParser takes a text/event-stream apart, wherever it is cut.
export class EventParser {
  constructor(take) {
    this.take = take;
    this.rest = [];
    this.clear();
  }

  clear() {
    this.event = { type: "message", id: null, data: null };
  }

  add(text) {
    const lines = text.split("\n");
    if (lines.length === 1) {
      this.rest.push(text);
      return;
    }
    lines[0] = this.rest.join("") + lines[0];
    this.rest = [lines.pop()];
    for (const line of lines) this.line(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  line(line) {
    if (line === "") {
      if (this.event.data !== null || this.event.type !== "message") this.take(this.event);
      this.clear();
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment: the connection lives
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") this.event.type = value;
    else if (field === "id") this.event.id = value;
    else if (field === "data") this.event.data = this.event.data === null ? value : this.event.data + "\n" + value;
  }
}

export const enc = encodeURIComponent;

// decoded is a part of the address, however it was written there.
export function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const paths = {
  runs: "/v1/runs",
  run: (r) => "/v1/runs/" + enc(r),
  agents: (r) => `/v1/runs/${enc(r)}/agents`,
  agent: (r, a) => `/v1/runs/${enc(r)}/agents/${enc(a)}`,
  frames: (r) => `/v1/runs/${enc(r)}/frames`,
};
