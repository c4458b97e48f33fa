// What a model was told and said, from the lines that are kept of its command line
// tool: prompt, reasoning, calls of tools with their results, reply, cost.

import { h, json, long, num, usd, millis, when } from "./dom.js";

const mostParts = 400;

// transcript shows lines, the newest turn last.
export function transcript(text) {
  const parts = [];
  let at = "";
  for (const line of text.split("\n")) {
    let l;
    try {
      l = JSON.parse(line);
    } catch {
      continue; // empty, or cut off
    }
    const here = `${l.tick}/${l.attempt}`;
    if (!l.start && here !== at) {
      at = here;
      parts.push(h("h4", {}, `tick ${num(l.tick)}`, l.attempt > 1 && h("span", { class: "bad" }, ` attempt ${l.attempt}`),
        h("span", { class: "dim" }, " " + when(l.time))));
    }
    parts.push(...shown(l));
  }
  const cut = parts.length - mostParts;
  return h("div", { class: "transcript" },
    cut > 0 && h("p", { class: "dim" }, `${num(cut)} earlier parts are not shown: troupe transcript prints them all.`),
    ...parts.slice(-mostParts));
}

function part(title, content, kind) {
  const inner = typeof content === "string" ? long(content.replace(/\n$/, ""), "text") : content;
  if (kind === "call" || kind === "reasoning") {
    return h("details", { class: "part " + kind, open: kind === "call" }, h("summary", {}, title), inner);
  }
  return h("div", { class: "part " + kind }, h("h5", {}, title), inner);
}

function shown(l) {
  if (l.start) return started(l.start);
  if (l.in !== undefined) return told(l.in);
  const out = l.out;
  if (!out || typeof out !== "object") return [];
  if (out.type === "assistant" || out.type === "user") return blocks(out.message?.content).flatMap(block);
  if (out.type === "result") return [claudeEnd(out)];
  if (out.type === "item.completed") return item(out.item ?? {});
  if (out.type === "turn.completed") {
    const u = out.usage ?? {};
    return [part("end", `${num(u.input_tokens)} tokens in and ${num(u.output_tokens)} out by the thread so far`, "end")];
  }
  if (out.type === "turn.failed") return [part("failed", out.error?.message ?? "", "failed")];
  if (out.type === "error") return [part("warning", out.message ?? "", "failed")];
  return [];
}

function started(s) {
  const texts = Object.entries(s.texts ?? {}).map(([name, text]) => part(name, text, "reasoning"));
  return [part("started", (s.command ?? []).join(" "), "end"), ...texts];
}

function told(line) {
  if (typeof line === "string") return [part("prompt", line, "prompt")];
  const list = blocks(line?.message?.content);
  if (list.length === 0) return [part("prompt", json(line), "prompt")];
  return list.map((b) => part("prompt", b.text ?? `(${b.type})`, "prompt"));
}

function blocks(content) {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content : [];
}

function block(b) {
  switch (b.type) {
    case "text": return [part("reply", b.text ?? "", "reply")];
    case "thinking": return [part("reasoning", b.thinking ?? "", "reasoning")];
    case "tool_use": return [part("tool " + b.name, json(b.input), "call")];
    case "tool_result": {
      const text = blocks(b.content).map((x) => x.type === "text" ? x.text : `(${x.type})`).join("");
      return [part(b.is_error ? "result, an error" : "result", text, b.is_error ? "failed" : "result")];
    }
  }
  return [];
}

function claudeEnd(out) {
  const u = out.usage ?? {};
  const bad = out.is_error || (out.subtype && out.subtype !== "success");
  const how = bad ? `${out.subtype ?? "error"}: ${out.result ?? out.api_error_status ?? ""}` : "answered";
  return part(bad ? "failed" : "end", `${how}\n${usd(out.total_cost_usd ?? 0)} by the session so far, ${num(out.num_turns ?? 0)} turns, ` +
    `${num(u.input_tokens ?? 0)} tokens in and ${num(u.output_tokens ?? 0)} out ` +
    `(cache: ${num(u.cache_read_input_tokens ?? 0)} read, ${num(u.cache_creation_input_tokens ?? 0)} written), ${millis(out.duration_ms ?? 0)}`,
  bad ? "failed" : "end");
}

function item(i) {
  const result = (text, bad) => part(bad ? "result, an error" : "result", text, bad ? "failed" : "result");
  const bad = i.status === "failed" || i.status === "declined" || Boolean(i.error);
  switch (i.type) {
    case "agent_message": return [part("reply", i.text ?? "", "reply")];
    case "reasoning": return [part("reasoning", i.text ?? "", "reasoning")];
    case "error": return [part("warning", i.message ?? "", "failed")];
    case "command_execution":
      return [part("tool command_execution", i.command ?? "", "call"), result(i.aggregated_output ?? "", bad)];
    case "mcp_tool_call":
      return [part(`tool ${i.server}: ${i.tool}`, json(i.arguments), "call"),
        result(i.error?.message ?? blocks(i.result?.content).map((x) => x.text ?? `(${x.type})`).join(""), bad)];
    case "todo_list":
      return [part("plan", (i.items ?? []).map((x) => `[${x.completed ? "x" : " "}] ${x.text}`).join("\n"), "reasoning")];
    case "web_search": return [part("tool web_search", i.query ?? "", "call")];
    case "file_change": return [part("tool file_change", json(i.changes), "call")];
  }
  return [];
}
