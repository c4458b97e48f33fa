"""An agent: one JSON object a line in, one a line out; stderr is its log."""
import json
import random
import sys

config, rng = {}, random.Random()

for line in sys.stdin:
    said = json.loads(line)
    me = said.get("agent")
    if said["type"] == "init":
        config = said["config"]
        rng = random.Random(said["seed"])  # same seed, same run
        if said.get("state"):  # another process drew before this one: draw on
            version, numbers, gauss = said["state"]
            rng.setstate((version, tuple(numbers), gauss))
        answer = {"type": "ready", "agent": me}
    elif said["type"] == "observe":
        last = said["observation"]["last"]
        betrayed = last is not None and last["opponent"] == "D"
        if betrayed and rng.random() >= config.get("forgiveness", 0):
            move = "D"
        else:
            move = "C"
        answer = {"type": "act", "agent": me, "tick": said["tick"], "action": {"move": move}}
    elif said["type"] == "snapshot":  # with `state: snapshot`: all that is remembered
        answer = {"type": "state", "agent": me, "state": rng.getstate()}
    else:
        continue  # stop, and whatever later versions say
    print(json.dumps(answer), flush=True)
