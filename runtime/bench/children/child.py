"""child.py MESSAGES PEER [FLOOD]: each act sends MESSAGES messages to PEER.

From its first observe on it floods: its log, its stdout, or the processor (busy).
"""
import json
import os
import sys


def begin(what):
    """Starts a process that floods until this one is gone, in lines without braces."""
    parent = os.getpid()
    if os.fork():
        return
    noise = (b"." * 63 + b"\n") * 64  # not more than a pipe takes in one piece
    fd = {"log": 2, "stdout": 1}.get(what)
    try:
        while os.getppid() == parent:
            if fd:
                os.write(fd, noise)
    except BrokenPipeError:
        pass
    os._exit(0)


flood = sys.argv[3] if len(sys.argv) > 3 else "none"

send = [{"to": sys.argv[2], "body": "hello"}] * int(sys.argv[1])
for line in sys.stdin:
    said = json.loads(line)
    if said["type"] == "init":
        answer = {"type": "ready", "agent": said["agent"]}
    elif said["type"] == "observe":
        answer = {"type": "act", "agent": said["agent"], "tick": said["tick"], "action": {"n": 1}, "send": send}
    else:
        continue
    sys.stdout.write(json.dumps(answer) + "\n")  # in one piece, unlike print
    sys.stdout.flush()
    if said["type"] == "observe" and flood != "none":
        begin(flood)
        flood = "none"
