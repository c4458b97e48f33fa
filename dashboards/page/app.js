// The page: which view is shown, and what stands around it.

import { h, setText, setAttr } from "./dom.js";
import { httpSource, takeToken, keepToken, enc, decoded } from "./api.js";
import { reportData, reportSource } from "./report.js";
import { RunsView } from "./runs.js";
import { RunView } from "./run.js";

const main = document.getElementById("main");
const trail = document.getElementById("trail");
const link = document.getElementById("link");
const theme = document.getElementById("theme");

const links = {
  live: ["", ""],
  over: ["", ""],
  lost: ["lost", "Connection lost. Trying again …"],
};

let view = null;
let source = null;
const trouble = h("div", { class: "trouble", role: "alert", hidden: true });

function showLink(how) {
  const [name, text] = links[how];
  setAttr(link, "class", "link " + name);
  setText(link, text);
}

// showTrouble says what went wrong and what to do, null that all is well. What
// somebody did that went wrong stays until it is read, or something else goes well.
function showTrouble(e, done = false) {
  if (e?.status === 401 || e?.status === 403) {
    askToken(e);
    return;
  }
  if (!e && !done && trouble.stays) return;
  trouble.stays = e && done;
  trouble.hidden = !e;
  if (!e) return;
  trouble.replaceChildren(h("p", {}, e.message), ...(e.problems?.length ? [h("ul", {}, ...e.problems.map((p) => h("li", {}, p)))] : []),
    dismiss());
}

function dismiss() {
  return h("button", { type: "button", class: "quiet", "aria-label": "Dismiss", onclick: () => {
    trouble.stays = false;
    trouble.hidden = true;
    trouble.replaceChildren();
  } }, "✕");
}

function askToken(e) {
  if (trouble.querySelector("form")) return;
  const input = h("input", { type: "password", autocomplete: "off", required: true, "aria-label": "Token" });
  trouble.hidden = false;
  trouble.stays = true;
  trouble.replaceChildren(
    h("p", {}, e.status === 403 ? "This token may look but not change anything: " : "This supervisor wants a token: ", e.message),
    h("p", {}, "The link that troupe run and troupe serve print has it."),
    h("form", { class: "pair", onsubmit: (x) => {
      x.preventDefault();
      keepToken(input.value.trim());
      trouble.replaceChildren();
      trouble.hidden = true;
      route();
    } }, input, h("button", { type: "submit", class: "main" }, "Use it")), dismiss());
}

// route shows what the address names.
function route() {
  takeToken();
  const name = source.run ?? decoded(/^#\/run\/([^/]+)/.exec(location.hash)?.[1] ?? "");
  view?.close();
  trouble.stays = false;
  trouble.hidden = true;
  trouble.replaceChildren();
  showLink("live");
  const around = { link: showLink, trouble: showTrouble, another: route };
  view = name ? new RunView(source, name, around) : new RunsView(source, around);
  trail.replaceChildren(...(source.live ? [h("a", { href: "#/", "aria-current": name ? null : "page" }, "Runs")] : [h("span", { class: "dim" }, "report")]),
    ...(name ? [h("a", { href: source.live ? "#/run/" + enc(name) : "#main", "aria-current": "page" }, name)] : []));
  document.title = name ? `${name} · Troupe` : "Troupe";
  main.replaceChildren(trouble, view.el);
}

// go shows another view, from its beginning: whoever came by a link has its focus no
// more.
function go() {
  route();
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
}

const themes = ["system", "light", "dark"];

const dark = matchMedia("(prefers-color-scheme: dark)");

function showTheme(name) {
  document.documentElement.dataset.theme = name !== "system" ? name : dark.matches ? "dark" : "light";
  setText(theme, { system: "Auto", light: "Light", dark: "Dark" }[name]);
  setAttr(theme, "aria-label", `Theme: ${name}`);
  theme.value = name;
  view?.recolour();
}

function stored(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(name, value);
    return localStorage.getItem(name);
  } catch {
    return null; // a file's page may have no store
  }
}

theme.addEventListener("click", () => {
  const next = themes[(themes.indexOf(theme.value) + 1) % themes.length];
  stored("troupe.theme", next);
  showTheme(next);
});
dark.addEventListener("change", () => showTheme(theme.value));
document.querySelector(".skip").addEventListener("click", (e) => {
  e.preventDefault(); // the address says which view is shown
  main.focus();
});

async function start() {
  const kept = stored("troupe.theme");
  showTheme(themes.includes(kept) ? kept : "system");
  const data = await reportData();
  source = data ? reportSource(data) : httpSource;
  if (!data) window.addEventListener("hashchange", go);
  route();
}

start();
