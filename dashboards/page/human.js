// A person's place: the observation that waits for an answer, and the answer.

import { h, setText, json, body, millis, say } from "./dom.js";
import { paths } from "./api.js";
import { actionForm } from "./form.js";

export class Seat {
  constructor(source, run, agent) {
    this.path = paths.agent(run, agent);
    this.source = source;
    this.el = h("div", { class: "seat" });
    this.asking = new AbortController();
    this.wait();
  }

  close() {
    this.asking.abort();
    clearInterval(this.clock);
  }

  // wait asks for the open observe until there is another one.
  async wait() {
    let pause = 0;
    this.idle("Waiting until it is this agent's turn.");
    while (!this.asking.signal.aborted) {
      try {
        const turn = await this.source.get(this.path + "/turn?wait=25s", this.asking.signal);
        pause = 0;
        if (turn) this.show(turn);
        else if (this.turn) this.idle("The turn is over. Waiting for the next one.");
      } catch (e) {
        if (e.name === "AbortError") return;
        if (e.status === 404 || e.status === 412 || e.status === 409) {
          this.idle(e.message);
          pause = 2000;
        } else {
          pause = Math.min((pause || 250) * 2, 5000);
        }
      }
      // An open turn is answered at once, so it is not asked for too often.
      await new Promise((resolve) => setTimeout(resolve, pause || (this.turn ? 1000 : this.answered ? 100 : 0)));
    }
  }

  idle(text) {
    clearInterval(this.clock);
    this.turn = this.shown = null;
    this.el.replaceChildren(h("p", { class: "dim" }, text));
  }

  show(turn) {
    const which = `${turn.tick}/${turn.attempt}`;
    if (which === this.shown || which === this.answered) return;
    this.shown = which;
    this.turn = turn;
    const until = performance.now() + (turn.deadline_ms ?? 0);
    const left = h("output", { class: "number" });
    clearInterval(this.clock);
    const tell = () => setText(left, turn.deadline_ms ? `${millis(Math.max(0, until - performance.now()))} left` : "");
    this.clock = setInterval(tell, 1000);
    tell();
    const form = actionForm(turn.action_schema, turn.noop ? JSON.stringify(turn.noop) : undefined);
    const wrong = h("p", { class: "bad", role: "alert" });
    if (turn.error) setText(wrong, `Attempt ${turn.attempt}: the last answer was not accepted: ${turn.error}`);
    const to = h("input", { "aria-label": "Recipient", placeholder: "agent, or #channel" });
    const text = h("input", { "aria-label": "Message", placeholder: "message" });
    const button = h("button", { type: "submit", class: "main" }, "Act");
    const answer = h("form", { onsubmit: async (e) => {
      e.preventDefault();
      button.disabled = true;
      setText(wrong, "");
      try {
        await this.answer(turn, form.read(), to.value.trim(), text.value);
        this.answered = which;
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
