// A line to an agent, under a name that is no agent's.

import { h, setText, num, body, say } from "./dom.js";
import { enc } from "./api.js";

const mostLines = 200;

export class Chat {
  constructor(source, path, agent) {
    Object.assign(this, { source, path });
    this.socket = null; // opened by the first message, and by the next one where it ended
    this.name = h("input", { value: "visitor", required: true, pattern: "[A-Za-z0-9_\\-]+", "aria-label": "Your name", title: "letters, digits, - and _; no agent's name" });
    this.text = h("input", { required: true, "aria-label": "Message", placeholder: "message" });
    this.button = h("button", { type: "submit", class: "main" }, "Send");
    this.said = h("ol", { class: "said" });
    this.wrong = h("p", { class: "bad", role: "alert" });
    this.el = h("div", { class: "stack" },
      h("p", { class: "dim" }, `What you send is on record, from an outside participant of this name. ${agent} answers in a later tick, if it does.`),
      this.said, this.wrong,
      h("form", { class: "chat", onsubmit: (e) => this.submit(e) }, h("label", {}, "as ", this.name), this.text, this.button));
  }

  focus() {
    this.text.focus({ preventScroll: true });
  }

  close() {
    const open = this.socket;
    this.socket = null;
    open?.close();
  }

  submit(e) {
    e.preventDefault();
    setText(this.wrong, "");
    this.button.disabled = true; // until it is sent
    this.socket ??= this.connect();
    if (this.socket.readyState === WebSocket.OPEN) this.send();
    else this.socket.addEventListener("open", () => this.send(), { once: true });
  }

  send() {
    this.socket.send(JSON.stringify({ body: this.text.value }));
    this.line(this.name.value, undefined, this.text.value);
    this.text.value = "";
    this.button.disabled = false;
  }

  connect() {
    const socket = this.source.socket(`${this.path}/chat?as=${enc(this.name.value)}`);
    this.name.readOnly = true;
    socket.addEventListener("message", (e) => this.take(JSON.parse(e.data)));
    socket.addEventListener("close", (e) => {
      if (socket !== this.socket) return; // whoever closed it knows
      this.socket = null;
      this.name.readOnly = this.button.disabled = false;
      if (e.code !== 1000) setText(this.wrong, e.reason || "The connection ended. Sending opens it again.");
    });
    return socket;
  }

  take(m) {
    if (m.error) setText(this.wrong, m.error);
    else if (m.body !== undefined) {
      this.line(m.from, m.tick, m.body);
      say(`${m.from} answered`);
    }
  }

  line(who, tick, content) {
    this.said.append(h("li", {}, h("span", { class: "who" }, who), h("span", { class: "tick" }, tick === undefined ? "" : num(tick)), h("div", { class: "body" }, body(content))));
    if (this.said.children.length > mostLines) this.said.firstChild.remove();
    this.said.lastChild.scrollIntoView({ block: "nearest" });
  }
}
