"""Tit for tat without the client: the protocol as it is, one line at a time."""
import json
import sys

for line in sys.stdin:
    said = json.loads(line)
    if said["type"] == "init":
        answer = {"type": "ready", "agent": said["agent"]}
    elif said["type"] == "observe":
        last = said["observation"]["last"]
        move = last["opponent"] or "C" if last else "C"
        answer = {"type": "act", "agent": said["agent"], "tick": said["tick"], "action": {"move": move}}
    else:
        continue
    print(json.dumps(answer), flush=True)
