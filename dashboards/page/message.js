// A form by which somebody outside says something into a run.

import { h, setText, say, exact } from "./dom.js";
import { paths } from "./api.js";

export function messageForm(source, run) {
  const from = h("input", { required: true, value: "visitor", "aria-label": "Your name" });
  const to = h("input", { required: true, placeholder: "agent, or #channel", "aria-label": "Recipient" });
  const text = h("textarea", { rows: 2, required: true, placeholder: "text, or JSON", "aria-label": "Message" });
  const wrong = h("p", { role: "alert", class: "bad" });
  const send = async (e) => {
    e.preventDefault();
    setText(wrong, "");
    let content = text.value;
    try {
      content = exact(content);
    } catch { /* a text */ }
    const name = to.value.trim();
    const message = { from: from.value, ...(name.startsWith("#") ? { channel: name.slice(1) } : { to: name }), body: content };
    try {
      const { tick } = await source.send("POST", paths.run(run) + "/messages", message);
      text.value = "";
      say(`Sent in tick ${tick}`);
    } catch (x) {
      setText(wrong, x.message);
    }
  };
  return h("details", { class: "block", hidden: true }, h("summary", {}, "Send a message into the run"),
    h("form", { class: "stack", onsubmit: send }, h("div", { class: "pair" }, h("label", {}, h("span", {}, "from"), from), h("label", {}, h("span", {}, "to"), to)), text, wrong,
      h("button", { type: "submit" }, "Send")));
}
