// A person's place: the observation that waits for an answer, and the answer.

import { h, setText, json, body, millis, say } from "./dom.js";
import { paths } from "./api.js";
import { actionForm } from "./form.js";

const firstPause = 500; // milliseconds

export class Seat {
  constructor(source, run, agent) {
    this.path = paths.agent(run, agent);
    this.source = source;
    this.el = h("div", { class: "seat" });
    this.asking = new AbortController();
    this.known = ""; // the turn that is, as TICK.ATTEMPT; empty for none
    this.wait();
  }

  close() {
    this.asking.abort();
    clearInterval(this.clock);
  }

  // wait asks what the agent is asked until that is another thing than is known
  // here, again and again.
  async wait() {
    this.idle("Waiting until it is this agent's turn.");
    let pause = firstPause;
    while (!this.asking.signal.aborted) {
      const known = this.known;
      try {
        const turn = await this.source.get(`${this.path}/turn?wait=25s${known && "&known=" + known}`, this.asking.signal);
        pause = firstPause;
        this.known = turn ? `${turn.tick}.${turn.attempt}` : "";
        this.until = performance.now() + (turn?.deadline_ms ?? 0); // another than before, where the time is given anew
        if (this.known === known) continue;
        if (turn) this.show(turn);
        else if (this.shown) this.idle("The turn is over. Waiting for the next one.");
      } catch (e) {
        if (e.name === "AbortError") return;
        if (e.status > 0) { // an answer; else the connection is lost, and what is written stays
          this.idle(e.message);
          this.known = "";
        }
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(pause * 2, 5000);
      }
    }
  }

  idle(text) {
    clearInterval(this.clock);
    this.shown = false;
    this.el.replaceChildren(h("p", { class: "dim" }, text));
  }

  show(turn) {
    this.shown = true;
    const left = h("span", { class: "number" });
    clearInterval(this.clock);
    const tell = () => setText(left, turn.deadline_ms ? `${millis(Math.max(0, this.until - performance.now()))} left` : "");
    this.clock = setInterval(tell, 1000);
    tell();
    const form = actionForm(turn.schema);
    const wrong = h("p", { class: "bad", role: "alert" });
    if (turn.error) setText(wrong, `Attempt ${turn.attempt}: the last answer was not accepted: ${turn.error}`);
    const to = h("input", { "aria-label": "Recipient", placeholder: "agent, or #channel" });
    const text = h("input", { "aria-label": "Message", placeholder: "message" });
    const button = h("button", { type: "submit", class: "main" }, "Act");
    const answer = h("form", { novalidate: true, onsubmit: async (e) => {
      e.preventDefault();
      button.disabled = true;
      setText(wrong, "");
      try {
        await this.answer(turn, form.read(), to.value.trim(), text.value);
        this.idle("Answered. Waiting for the next turn.");
        say("Answered");
      } catch (x) {
        setText(wrong, x.message);
      } finally {
        button.disabled = false;
      }
    } }, form.el, h("details", { class: "send" }, h("summary", {}, "Say something beside it"), h("div", { class: "pair" }, to, text)), wrong, button);
    this.el.replaceChildren(
      h("p", { class: "asked" }, h("strong", {}, `Tick ${turn.tick}`), " It is this agent's turn. ", left),
      h("h4", {}, "Observation"), json(turn.observation),
      ...(turn.messages?.length ? [h("h4", {}, "Messages"), h("ul", { class: "mail" }, ...turn.messages.map((m) =>
        h("li", {}, h("strong", {}, m.from), m.channel ? ` in #${m.channel}: ` : ": ", body(m.body))))] : []),
      ...(turn.results?.length ? [h("h4", {}, "Results"), json(turn.results)] : []),
      h("h4", {}, "Answer"), answer);
    say(`It is this agent's turn, tick ${turn.tick}`);
    if (document.activeElement === document.body || this.el.closest(".panel")?.contains(document.activeElement)) {
      form.first.focus({ preventScroll: true });
    }
  }

  answer(turn, action, to, text) {
    const send = [];
    if (text !== "") {
      if (to === "") throw new Error("Say to whom the message goes: an agent, or #channel.");
      send.push(to.startsWith("#") ? { channel: to.slice(1), body: text } : { to, body: text });
    }
    const act = { tick: turn.tick, attempt: turn.attempt, action };
    if (send.length > 0) act.send = send;
    return this.source.send("POST", this.path + "/act", act);
  }
}
