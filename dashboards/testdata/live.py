"""An agent that does, by its id, what metrics count."""
import json, os, signal, sys

def once(name):
    try:
        open(name, "x").close()
        return True
    except FileExistsError:
        return False

for line in sys.stdin:
    o = json.loads(line)
    me, act = o.get("agent"), {"type": "act", "action": {}}
    if o["type"] == "init":
        print(json.dumps({"type": "ready", "agent": me}), flush=True)
    if o["type"] != "observe":
        continue
    if me == "talker": # to an agent, to a channel, to nobody
        act["send"] = [{"to": "mortal", "body": 1}, {"channel": "square", "body": 2}, {"to": "nobody", "body": 3}]
    if me == "clumsy" and o["tick"] % 2:
        act["send"] = "not a list"
    if me == "mortal" and o["tick"] % 10 == 7 and once(str(o["tick"])):
        os.kill(os.getpid(), signal.SIGKILL)
    print(json.dumps({**act, "agent": me, "tick": o["tick"]}), flush=True)
