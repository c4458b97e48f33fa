// One turn of an agent: what it was told, and what it did.

import { h, num, usd, millis, json, body, count } from "./dom.js";

export function turn(t) {
  const how = t.failure
    ? h("span", { class: "bad" }, t.failure, t.policy && h("span", { class: "dim" }, ` → ${t.policy}`))
    : h("span", {}, "action");
  const usage = t.usage ? [usageText(t.usage)] : [];
  const section = (title, content) => [h("h5", {}, title), content];
  return h("article", {},
    h("header", {}, h("h4", {}, `tick ${num(t.tick)}`), how, h("span", { class: "grow" }),
      h("span", { class: "dim number" }, [millis(t.latency_ms || undefined), ...usage].filter(Boolean).join(" · "))),
    ...section("observation", json(t.observation)),
    ...(t.attempts ?? []).flatMap((a) => [h("h5", { class: "bad" }, `attempt ${a.attempt}`),
      h("div", {}, h("span", { class: "bad" }, a.error || a.failure || "not accepted"), " ", a.action === undefined ? "" : json(a.action))]),
    ...(t.messages?.length ? section(count(t.messages.length, "message") + " received", said(t.messages, (m) => m.from + (m.channel ? ` in #${m.channel}` : ""))) : []),
    ...(t.results?.length ? section("results", json(t.results)) : []),
    ...(t.action === undefined || (t.failure && t.action === null) ? [] : section(t.failure ? "in its place" : "action", json(t.action))),
    ...(t.send?.length ? section("sent", said(t.send, (m) => "to " + (m.channel ? `#${m.channel}` : m.to))) : []));
}

function said(list, who) {
  return h("ul", { class: "mail" }, ...list.map((m) => h("li", {}, h("strong", {}, who(m)), " ", body(m.body))));
}

function usageText(u) {
  const list = [u].flat();
  const sum = (f) => list.reduce((n, x) => n + (f(x) ?? 0), 0);
  return [u.model ?? list[0]?.model, `${num(sum((x) => x.input))} in, ${num(sum((x) => x.output))} out`, usd(sum((x) => x.usd))].filter(Boolean).join(", ");
}
