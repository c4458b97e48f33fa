"""child.py MESSAGES PEER: each act sends MESSAGES messages to PEER."""
import json
import sys

send = [{"to": sys.argv[2], "body": "hello"}] * int(sys.argv[1])
for line in sys.stdin:
    said = json.loads(line)
    if said["type"] == "init":
        answer = {"type": "ready", "agent": said["agent"]}
    elif said["type"] == "observe":
        answer = {"type": "act", "agent": said["agent"], "tick": said["tick"], "action": {"n": 1}, "send": send}
    else:
        continue
    print(json.dumps(answer), flush=True)
