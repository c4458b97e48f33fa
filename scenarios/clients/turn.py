"""An agent of kind exec: a process for each turn, with all it needs in one line."""
import json
import sys

said = json.loads(sys.stdin.readline())
last = said["observation"]["last"]
move = last["opponent"] or "C" if last else "C"
print(json.dumps({"type": "act", "agent": said["agent"], "tick": said["tick"], "action": {"move": move}}))
