"""Troupe's client for Python 3.8 and newer: one file, no dependencies.

An agent in ten lines (agent.py; `troupe try -- python3 agent.py` tries it):

    from troupe import Agent, serve

    class TitForTat(Agent):
        def act(self, o):
            last = o.observation["last"]
            return {"move": last["opponent"] or "C" if last else "C"}

    serve(TitForTat)

A world in ten lines (world.py; `world: {command: [python3, world.py]}`):

    from troupe import Refused, World, serve_world

    class Vote(World):
        def start(self):
            return {a: {"question": "tea or coffee?"} for a in self.agents}
        def step(self, tick, actions):
            votes = [a["vote"] for a in actions.values() if a]
            return {"columns": {"tea": votes.count("tea")}, "done": True}

    serve_world(Vote)

In a scenario, list this file beside the program: `files: [troupe.py]`.
Whatever a program prints with print() is log, not protocol: answers go their
own way, whole and at once. What an agent draws from self.random is the same in
every run with the same seed.

Under `state: snapshot` another process takes over from what snapshot() said
(restore() is given it), with self.random where it was. An agent without
attributes of its own has nothing to say and needs neither.
"""

import json
import os
import random
import sys
from typing import Any, Callable, Dict, List, Optional

__all__ = ["Agent", "Observation", "Refused", "World", "serve", "serve_world"]


class Observation:
    """What an agent is asked: one tick's observation, with its mail."""

    def __init__(self, line: Dict[str, Any]):
        self.tick: int = line["tick"]
        self.observation: Any = line.get("observation")
        self.messages: List[Dict[str, Any]] = line.get("messages") or []  # from, body, maybe channel, redelivered
        self.results: List[Dict[str, Any]] = line.get("results") or []  # what became of requests
        self.attempt: int = line.get("attempt", 1)  # 2 when the first answer was refused
        self.error: Optional[str] = line.get("error")  # why it was
        self.deadline_ms: Optional[int] = line.get("deadline_ms")


class Agent:
    """One agent. A process may host several, each an object of its own."""

    def __init__(self, init: Dict[str, Any]):
        self.id: str = init["agent"]
        self.run: str = init.get("run", "")
        self.config: Dict[str, Any] = init.get("config") or {}
        self.random = random.Random(init.get("seed", 0))
        self._send: List[Dict[str, Any]] = []
        self._done = False

    def act(self, o: Observation) -> Any:
        """Answer an observation with an action: anything JSON can say."""
        raise NotImplementedError

    def send(self, to: str, body: Any) -> None:
        """Send a message with the answer under way; it arrives with the next observation."""
        self._send.append({"to": to, "body": body})

    def say(self, channel: str, body: Any) -> None:
        """Send a message to everybody else in a channel."""
        self._send.append({"channel": channel, "body": body})

    def done(self) -> None:
        """Make the answer under way the last one."""
        self._done = True

    def stop(self, reason: str) -> None:
        """Called when the agent is asked no more."""

    def snapshot(self) -> Any:
        """All that the agent remembers, as JSON can say it; self.random is kept anyway."""
        return _nothing(self, Agent({"agent": ""}))

    def restore(self, state: Any) -> None:
        """Called on a new object with what snapshot() gave, unless that was None."""
        raise NotImplementedError


class World:
    """The rules of a game. start() and step() are called one at a time."""

    def __init__(self, init: Dict[str, Any]):
        self.run: str = init.get("run", "")
        self.config: Dict[str, Any] = init.get("config") or {}
        self.random = random.Random(init.get("seed", 0))
        self.agents: Dict[str, Dict[str, Any]] = {a["id"]: a.get("config") or {} for a in init["agents"]}
        self.failures: Dict[str, str] = {}  # of the tick under way: who failed, and how
        self.noop: Any = None  # set in __init__ by a world that has a neutral action
        self.action_schema: Optional[Dict[str, Any]] = None  # pattern of ids -> JSON Schema

    def start(self) -> Dict[str, Any]:
        """The observations of tick 0, by agent. Who has none is not asked."""
        raise NotImplementedError

    def step(self, tick: int, actions: Dict[str, Any]) -> Dict[str, Any]:
        """Play a tick. A failed agent's action is None. The answer has any of
        observations, scores, columns, events, add, remove, channels, done.
        Raise Refused before anything is changed or drawn to have agents asked again."""
        raise NotImplementedError

    def snapshot(self) -> Any:
        """The game between two ticks, as JSON can say it; self.random, self.agents and
        the observations are kept anyway. A world that doesn't write this is stepped
        through the past instead."""
        raise NotImplementedError

    def restore(self, state: Any) -> None:
        """Called in place of start(), with what snapshot() gave."""
        raise NotImplementedError


class Refused(Exception):
    """Says whose actions are no good, and why: Refused({"ann": "no such move"})."""

    def __init__(self, why: Dict[str, str]):
        super().__init__(why)
        self.why = why


def _nothing(it: Any, bare: Any) -> None:
    """The snapshot of an object that has no more attributes than a bare one."""
    own = sorted(set(vars(it)) - set(vars(bare)))
    if own:
        name = type(it).__name__
        raise NotImplementedError(f"{name} has {', '.join(own)}: write {name}.snapshot and {name}.restore")


def _drawn(rng: random.Random, seed: int) -> Any:
    """How far random numbers are drawn; None for not at all."""
    state = rng.getstate()
    return None if state == random.Random(seed).getstate() else state


def _draw_on(rng: random.Random, drawn: Any) -> None:
    if drawn is not None:
        version, numbers, gauss = drawn
        rng.setstate((version, tuple(numbers), gauss))


def _keep(agent: Agent, seed: int) -> Any:
    """An agent's state on the wire: {"state": …, "random": …}, or null for nothing."""
    kept = {"state": agent.snapshot(), "random": _drawn(agent.random, seed)}
    return {k: v for k, v in kept.items() if v is not None} or None


def _make(make: Callable[[Dict[str, Any]], Agent], line: Dict[str, Any]) -> Agent:
    agent = make(line)
    kept = line.get("state") or {}
    _draw_on(agent.random, kept.get("random"))
    if kept.get("state") is not None:
        agent.restore(kept["state"])
    return agent


class _Line:
    """The protocol's own stdout; print() goes to stderr from here on."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)

    def say(self, line: Dict[str, Any]) -> None:
        text = json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        self._out.write(text.encode("utf-8", "strict") + b"\n")
        self._out.flush()


def _lines() -> Any:
    for raw in sys.stdin.buffer:
        if raw.strip():
            yield json.loads(raw)


def serve(make: Callable[[Dict[str, Any]], Agent]) -> None:
    """Host agents until stdin ends; make(init) makes each."""
    out = _Line()
    agents: Dict[str, Agent] = {}
    seeds: Dict[str, int] = {}
    for line in _lines():
        kind, name = line.get("type"), line.get("agent")
        if kind == "init":
            agents[name], seeds[name] = _make(make, line), line.get("seed", 0)
            out.say({"type": "ready", "agent": name})
        elif kind == "observe":
            if name not in agents and "config" in line:  # a process per turn: no init came
                agents[name] = make(line)
            agent = agents[name]
            agent._send = []
            action = agent.act(Observation(line))
            answer = {"type": "act", "agent": name, "tick": line["tick"], "action": action}
            if agent._send:
                answer["send"] = agent._send
            if agent._done:
                answer["done"] = True
            out.say(answer)
        elif kind == "snapshot":
            out.say({"type": "state", "agent": name, "state": _keep(agents[name], seeds[name])})
        elif kind == "stop" and name in agents:
            agents.pop(name).stop(line.get("reason", ""))


def serve_world(make: Callable[[Dict[str, Any]], World]) -> None:
    """Be a world until stdin ends; make(init) makes it."""
    out = _Line()
    world: Optional[World] = None
    seed, observations = 0, {}
    for line in _lines():
        kind = line.get("type")
        if kind == "init":
            world, seed = make(line), line.get("seed", 0)
            kept = line.get("state")
            observations = world.start() if kept is None else _resume(world, kept)
            snapshot = type(world).snapshot is not World.snapshot
            ready = {"type": "ready", "observations": observations, "snapshot": snapshot}
            if world.noop is not None:
                ready["noop"] = world.noop
            if world.action_schema is not None:
                ready["action_schema"] = world.action_schema
            out.say(ready)
        elif kind == "step" and world is not None:
            answer = _step(world, line)
            if answer["type"] == "stepped":
                observations = answer.get("observations") or {}
            out.say(answer)
        elif kind == "snapshot" and world is not None:
            out.say({"type": "state", "state": {
                "state": world.snapshot(), "random": _drawn(world.random, seed),
                "agents": world.agents, "observations": observations}})


def _resume(world: World, kept: Dict[str, Any]) -> Dict[str, Any]:
    """Takes a world to where a state has it; gives the observations of the next tick."""
    _draw_on(world.random, kept["random"])
    world.agents = kept["agents"]
    world.restore(kept["state"])
    return kept["observations"]


def _step(world: World, line: Dict[str, Any]) -> Dict[str, Any]:
    world.failures = {a["agent"]: a["failure"] for a in line["actions"] if a.get("failure")}
    actions = {a["agent"]: a["action"] for a in line["actions"]}
    try:
        stepped = world.step(line["tick"], actions) or {}
    except Refused as refused:
        return {"type": "refused", "tick": line["tick"], "refused": refused.why}
    for gone in stepped.get("remove", []):
        world.agents.pop(gone, None)
    for new in stepped.get("add", []):
        world.agents[new["id"]] = new.get("config") or {}
    return {"type": "stepped", "tick": line["tick"], **stepped}
