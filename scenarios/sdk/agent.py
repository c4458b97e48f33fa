"""An agent that asks its model through the Claude Agent SDK for Python."""
import asyncio
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, query  # noqa: E402
from troupe import Agent, serve  # noqa: E402

# The session's id: in the working directory, which a process that takes over finds
# as it was at the last tick on record. So does it find the session itself, which the
# SDK keeps in HOME.
KEPT = "session"


class Player(Agent):
    def act(self, o):
        return action(asyncio.run(self.ask(asked(o))))

    async def ask(self, prompt):
        """Has one turn of the conversation. A query ends with its process, and then the
        session is written whole: an answer that is given only then is never one that
        the session does not know of."""
        options = ClaudeAgentOptions(
            model=self.config.get("model", "haiku"),
            system_prompt=self.config.get("system")
            or f"You are {self.id}, a player of a game. Think in a sentence or two, then answer.",
            tools=[],
            setting_sources=[],
            max_turns=1,
            resume=remembered(),
        )
        result = None
        async for message in query(prompt=prompt, options=options):
            if isinstance(message, ResultMessage):
                result = message
        if result is None:
            raise RuntimeError("the model gave no answer: the SDK ended without a result")
        if result.subtype != "success" or result.is_error:
            raise RuntimeError(f"the model gave no answer: {result.subtype}: {result.result or ''}")
        with open(KEPT, "w") as f:
            f.write(result.session_id)
        return result.result or ""


def remembered():
    """The session to go on with; None for a new one."""
    try:
        with open(KEPT) as f:
            return f.read()
    except FileNotFoundError:
        return None


def asked(o):
    """An observation as the model is told it."""
    text = f"Tick {o.tick}."
    if o.error:
        text += f" Your last answer was not accepted: {o.error}"
    text += f"\n\nYou observe: {json.dumps(o.observation)}\n"
    for m in o.messages:
        text += f"\nA message from {m['from']}: {json.dumps(m['body'])}"
    return text + '\nEnd your answer with one JSON object: {"action": your action}, such as {"action": {"move": "C"}}.'


def action(text):
    """What the last JSON object of an answer says; None where there is none, which the
    world refuses, so that the model is asked again and told why."""
    end = text.rfind("}") + 1
    at = text.find("{")
    while 0 <= at < end:
        try:
            return json.loads(text[at:end]).get("action")
        except ValueError:
            at = text.find("{", at + 1)  # it begins further on
    return None


serve(Player)
