# Stands in for claude-agent-sdk, where that cannot be installed, so far as ../agent.py
# uses it: it takes what the SDK takes by the same names, and keeps its sessions in HOME.
# There is no model: it cooperates in a match of the world matrix-game until it has been
# defected on, by nothing but what the session was told.
import json
import os
import uuid
from dataclasses import dataclass, field
from typing import Any, List, Optional


@dataclass
class ClaudeAgentOptions:
    model: Optional[str] = None
    system_prompt: Optional[str] = None
    tools: List[str] = field(default_factory=list)
    setting_sources: List[str] = field(default_factory=list)
    max_turns: Optional[int] = None
    resume: Optional[str] = None


@dataclass
class AssistantMessage:
    content: List[Any]


@dataclass
class ResultMessage:
    subtype: str
    is_error: bool
    session_id: str
    result: Optional[str]


async def query(*, prompt, options):
    session = options.resume or str(uuid.uuid4())
    path = os.path.join(os.path.expanduser("~"), session)
    told = []
    if options.resume:
        with open(path) as f:  # a session that is not there is an error, as in the SDK
            told = json.load(f)
    told.append(json.loads(prompt.split("You observe: ")[1].split("\n")[0]))
    move = "C"
    for seen in told:
        if seen["turn"] == 0:
            move = "C"
        elif seen["last"]["opponent"] == "D":
            move = "D"
    yield AssistantMessage(content=[])
    if os.environ.get("STAND_IN_FAILS"):
        yield ResultMessage("error_during_execution", True, session, None)
        return
    with open(path, "w") as f:
        json.dump(told, f)
    yield ResultMessage("success", False, session, 'I think {so}: {"action": {"move": "%s"}}' % move)
