// Elements and texts. Whatever comes from a run is put in as text, never as HTML.

// h makes an element. Of its properties, those that begin with "on" are listeners
// and the others attributes; null, undefined and false leave one out.
export function h(name, props, ...children) {
  const el = document.createElement(name);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) el.addEventListener(key.slice(2), value);
    else el.setAttribute(key, value === true ? "" : value);
  }
  el.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

// setText changes a text only where it differs, so that nothing is laid out anew
// for what stays as it is.
export function setText(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

// setAttr does the same for an attribute; null takes it away.
export function setAttr(el, name, value) {
  if (value === null) el.removeAttribute(name);
  else if (el.getAttribute(name) !== String(value)) el.setAttribute(name, value);
}

// say tells those who listen rather than look.
export function say(text) {
  setText(document.getElementById("said"), text);
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const tiny = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

export function num(x) {
  if (typeof x === "bigint") return whole.format(x);
  if (typeof x !== "number" || !Number.isFinite(x)) return "";
  if (Number.isInteger(x)) return whole.format(x);
  return Math.abs(x) < 0.1 ? tiny.format(x) : short.format(x);
}

export function count(n, one, many = one + "s") {
  return `${num(n)} ${n === 1 ? one : many}`;
}

export function usd(x) {
  if (typeof x !== "number") return "";
  return "$" + (x !== 0 && Math.abs(x) < 0.01 ? tiny.format(x) : x.toFixed(2));
}

export function bytes(n) {
  if (typeof n !== "number") return "";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return `${i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}

export function millis(ms) {
  if (typeof ms !== "number") return "";
  if (ms < 1) return `${tiny.format(ms)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59950) return `${(ms / 1000).toFixed(1)} s`;
  const s = Math.round(ms / 1000);
  return `${Math.floor(s / 60)} min ${s % 60} s`;
}

export function when(text) {
  const at = new Date(text);
  if (!text || Number.isNaN(at.getTime()) || at.getFullYear() < 2000) return "";
  const pad = (n) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

// mostText is how much of one value is shown at first.
const mostText = 6000;

// json shows a value: on one line where that is short.
export function json(value) {
  if (value === undefined) return h("code", { class: "json" }, "none");
  let text;
  try {
    text = indented(value, "");
  } catch {
    return h("span", { class: "dim" }, "It is nested too deeply to be shown."); // the stack has no room for it
  }
  return text.includes("\n") ? long(text, "json") : h("code", { class: "json" }, text);
}

// exact reads JSON. A whole number that JavaScript would round is a BigInt, where the
// browser tells how it is written.
export function exact(text) {
  if (!JSON.rawJSON || !/\d{16}(?=[,\]}\s]|$)/.test(text)) return JSON.parse(text);
  try {
    return JSON.parse(text, (_, value, { source }) =>
      typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? BigInt(source) : value);
  } catch {
    return JSON.parse(text); // it is nested too deeply, or no JSON
  }
}

// written is a value as JSON, of what exact gives too.
export function written(value) {
  return JSON.stringify(value, (_, v) => typeof v === "bigint" ? JSON.rawJSON(String(v)) : v);
}

const wide = 72; // characters of a line of JSON
const deep = 24; // of its indent; what is further in stays on one line

// indented writes a value, and what is in it, on one line each where that is short.
function indented(value, indent) {
  const line = written(value);
  if (indent.length + line.length <= wide || indent.length >= deep || value === null || typeof value !== "object") return line;
  const inner = indent + "  ";
  if (Array.isArray(value)) return `[\n${value.map((v) => inner + indented(v, inner)).join(",\n")}\n${indent}]`;
  const members = Object.entries(value).map(([k, v]) => `${inner}${JSON.stringify(k)}: ${indented(v, inner)}`);
  return `{\n${members.join(",\n")}\n${indent}}`;
}

// long shows a text of any length; what is over mostText, on request.
export function long(text, className) {
  const pre = h("pre", { class: className }, text.slice(0, mostText));
  if (text.length <= mostText) return pre;
  const more = h("button", {
    type: "button",
    onclick: () => {
      pre.textContent = text;
      more.remove();
    },
  }, `Show all ${num(text.length)} characters`);
  return h("div", {}, pre, more);
}

// body shows what an agent said: a text as it is, another value as JSON.
export function body(value) {
  if (typeof value === "string") return value.length > mostText ? long(value, "speech") : h("span", { class: "speech" }, value);
  const keys = value && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [];
  if (keys.length === 1 && typeof value[keys[0]] === "string" && value[keys[0]].length <= mostText) {
    return h("span", { class: "speech" }, h("span", { class: "dim" }, keys[0] + " "), value[keys[0]]);
  }
  return json(value);
}

// once gives a function that has work done at the next animation frame, however
// often it is called until then.
export function once(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}

// seldom gives a function that has work done at most every so many milliseconds,
// and once more after the last call. It waits for an animation frame, and a page that
// nobody sees has none: what is asked for until then is done once.
export function seldom(every, work) {
  let last = -Infinity, timer = 0, frame = 0;
  const run = () => {
    frame = 0;
    last = performance.now();
    work();
  };
  const call = () => {
    if (timer !== 0 || frame !== 0) return;
    timer = setTimeout(() => {
      timer = 0;
      frame = requestAnimationFrame(run);
    }, Math.max(0, last + every - performance.now()));
  };
  call.stop = () => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    timer = frame = 0;
  };
  return call;
}

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

// hues are how many colours tell series and values of cells apart.
export const hues = 8;

export function palette() {
  return Array.from({ length: hues }, (_, i) => colour("hue-" + i));
}
