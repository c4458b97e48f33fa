"""An agent that does, by its id, what metrics count."""
import json, os, signal, socket, sys

def once(name):
    try:
        open(name, "x").close()
        return True
    except FileExistsError:
        return False

def ask(**request):
    """Asks the runtime, and gives the lines of its reply."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.environ["TROUPE_SOCKET"])
        s.sendall(json.dumps(request).encode() + b"\n")
        lines = []
        for line in s.makefile():
            lines.append(json.loads(line))
            if "ok" in lines[-1] or "error" in lines[-1]:
                return lines

def contend():
    """Wants the lease and the file that another wants in the same tick."""
    ask(op="lock", paths=["turn"], ttl=1)
    base = next((x["file"]["version"] for x in ask(op="stat", paths=["file"]) if "file" in x), None)
    ask(op="commit", files=[{"path": "file", "base": base, "text": "x"}])

for line in sys.stdin:
    o = json.loads(line)
    me, act = o.get("agent"), {"type": "act", "action": {}}
    if o["type"] == "init":
        print(json.dumps({"type": "ready", "agent": me}), flush=True)
    if o["type"] != "observe":
        continue
    if me == "talker": # to an agent, to a channel, to nobody
        act["send"] = [{"to": "mortal", "body": 1}, {"channel": "square", "body": 2}, {"to": "nobody", "body": 3}]
    if me in ("left", "right"):
        contend()
    if me == "clumsy" and o["tick"] % 2:
        act["send"] = "not a list"
    if me == "mortal" and o["tick"] % 10 == 7 and once(str(o["tick"])):
        os.kill(os.getpid(), signal.SIGKILL)
    print(json.dumps({**act, "agent": me, "tick": o["tick"]}), flush=True)
