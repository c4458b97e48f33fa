"""A hostile agent in Python. Once it is asked, it tries what the standard library
can, system calls through ctypes included, and logs what came of it, by the names
of workspace.Attacks:

    attack <TAB> what <TAB> how <TAB> done, or stopped: why

Its scenario is written by attacks_linux_test.go."""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

DATA, RUN, VICTIM = "../../../../..", "../../..", "../../victim"
PROGRAM = os.path.abspath(sys.argv[0])
PROGRAMS = os.path.dirname(os.path.dirname(PROGRAM))
SUPERVISOR = os.getppid()
SECRET, STOLEN, OWN = "the victim's secret", "the raider's", "the raider's own"
OPENED = [f for f in os.listdir("/proc/self/fd") if int(f) > 2 and os.path.exists("/proc/self/fd/" + f)]
libc = ctypes.CDLL(None, use_errno=True)
env = os.environ
tries = 0


class Stopped(Exception):
    pass


def attempt(what, how, act, *args):
    global tries
    tries += 1
    try:
        act(*args)
        came = "done"
    except (OSError, Stopped, subprocess.CalledProcessError) as why:
        came = "stopped: " + str(why).replace("\n", "; ").replace("\t", " ")
    print("attack", what, how, came, sep="\t", file=sys.stderr, flush=True)


def refuse(unless, why):
    if not unless:
        raise Stopped(why)


# Ways to use a path.


def reads(path):
    if os.path.isdir(path):
        os.listdir(path)
        return
    with open(path, "rb") as f:
        f.read(1)


def appends(path):
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND))


def overwrites(path):
    try:
        os.chmod(path, 0o644)
    except OSError:
        pass
    appends(path)


def makes(path):
    path += "/planted-by-python"
    with open(path, "w") as f:
        f.write("mine")
    os.remove(path)


def full(path):
    return os.path.join(os.path.dirname(PROGRAMS), "agents", "victim", path)


# Tricks.


def link():
    os.symlink(VICTIM + "/work/secret", "link")
    reads("link")


def passage():
    os.symlink(full("work"), "way")
    reads("way/secret")


def takes():
    os.rename(VICTIM + "/home/secret", "taken")
    os.rename("taken", VICTIM + "/home/secret")


def leaves():
    open("gift", "w").close()
    os.rename("gift", VICTIM + "/work/gift")


def by_descriptor():
    """Goes up by a descriptor, in place of a path."""
    fd = os.open("../..", os.O_PATH)
    try:
        os.close(os.open("victim/work/secret", os.O_RDONLY, dir_fd=fd))
    finally:
        os.close(fd)


def tree_link():
    os.symlink("/etc", RUN + "/shared/by-python")
    os.remove(RUN + "/shared/by-python")


def in_place():
    os.rename(PROGRAM, PROGRAM + ".old")
    os.rename(PROGRAM + ".old", PROGRAM)


# Requests to the runtime.


def asks(path, **request):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        try:
            s.sendall(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            pass  # it has said why
        for line in s.makefile():
            reply = json.loads(line)
            refuse("error" not in reply, reply.get("error"))
            if reply.get("ok"):
                refuse(not reply.get("missing"), "it is missing")
                return reply
        raise Stopped("it has hung up")


def commits(path, base=None, text=STOLEN, token=0):
    asks(env["TROUPE_SOCKET"], op="commit", token=token, files=[{"path": path, "base": base, "text": text}])


def forks(act, *args):
    """Does it in a process whose parent has ended."""
    read, write = os.pipe()
    parent = os.fork()
    if parent == 0:
        first = os.getpid()
        if os.fork() != 0:
            os._exit(0)
        os.setsid()
        while os.getppid() == first:
            os.sched_yield()
        try:
            act(*args)
            os.write(write, b"done")
        except (OSError, Stopped) as why:
            os.write(write, str(why).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(parent, 0)
    with os.fdopen(read) as f:
        came = f.read()
    refuse(came == "done", came)


def controls():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(DATA + "/control.sock")
        s.sendall(b"GET /v1/runs HTTP/1.0\r\nHost: troupe\r\n\r\n")
        refuse(s.recv(16), "no answer")


def troupe(*args):
    done = subprocess.run(["troupe", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    refuse(done.returncode == 0, done.stderr)


def borrows(path):
    os.symlink(full("work"), "passage" if "/" in path else path + ".dir")
    if "/" not in path:
        os.symlink(full("work/secret"), path)
    troupe("commit", path)


def astray():
    os.symlink(full("work"), "astray")
    try:
        troupe("checkout", "astray/secret")
    finally:
        os.remove("astray")


def races():
    """Commits files of directories that become links to the victim's and back."""
    for name in ("1", "2", "3", "calm"):
        at = "race/" + name
        os.makedirs(at)
        with open(at + "/secret", "w") as f:
            f.write(OWN)
        over = threading.Event()

        def turn():
            while not over.is_set():
                os.rename(at, at + ".aside")
                os.symlink(full("work"), at)
                os.remove(at)
                os.rename(at + ".aside", at)

        turning = threading.Thread(target=turn)
        if name != "calm":
            turning.start()
        try:
            troupe("commit", at + "/secret")
        except Stopped:
            pass  # of the link, it is refused
        over.set()
        if name != "calm":
            turning.join()


def raced():
    shutil.rmtree("race")
    troupe("checkout", "--force", "race")
    found = [open(os.path.join(d, f)).read() for d, _, names in os.walk("race") for f in names]
    refuse(SECRET in found or OWN not in found, "the tree does not have it")


def told(results, path):
    for r in results:
        if r.get("type") == "commit" and path in r.get("paths", []):
            refuse("error" not in r, r.get("error"))


# Processes.


def peeks(pid):
    class Part(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    buffer = ctypes.create_string_buffer(8)
    own = Part(ctypes.cast(buffer, ctypes.c_void_p), 8)
    if libc.process_vm_readv(pid, ctypes.byref(own), 1, ctypes.byref(Part(0x1000, 8)), 1, 0) < 0:
        number = ctypes.get_errno()
        if number != 14:  # EFAULT: it was let in, and nothing is there
            raise OSError(number, os.strerror(number))


def traces(pid):
    seize, interrupt, detach = 0x4206, 0x4207, 17
    if libc.ptrace(seize, pid, None, None) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    libc.ptrace(interrupt, pid, None, None)
    os.waitpid(pid, 0x40000000)  # __WALL
    libc.ptrace(detach, pid, None, None)


def other_user():
    uid = subprocess.run([env["SET_USER"], "-u"], capture_output=True, text=True).stdout.strip()
    refuse(uid == env["OTHER_USER"], "it runs as user " + uid)


def connects():
    socket.create_connection(("127.0.0.1", int(env["PORT"]))).close()


def multipath():
    protocol = 262  # IPPROTO_MPTCP
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol) as s:
        s.connect(("127.0.0.1", int(env["PORT"])))


def datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", ("127.0.0.1", int(env["UDP"])))


def listens():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()


def abstract(pid):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("\0troupe-victim-%d" % pid)


def names_victim(pid):
    with open("/proc/%d/cmdline" % pid, "rb") as f:
        refuse(b"victim" in f.read(), "it says nothing")


def find_victim():
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % name) as f:
                words = f.read().split("\0")
        except OSError:
            continue
        if len(words) > 2 and words[1] == "victim" and words[2].startswith(PROGRAMS + "/"):
            return int(name), words[2]
    raise SystemExit("there is no victim")


def gate(word):
    with socket.create_connection(("127.0.0.1", int(env["GATE"]))) as s:
        s.sendall(word.encode() + b"\n")
        s.recv(1)


BY_COMMIT = "commit what the plan or another's lease keeps from it"
BY_COPIES = "get at another's files by checkout, commit, or what is kept of its own"


def first():
    pid, program = find_victim()
    own, theirs = env["TROUPE_SOCKET"], VICTIM + "/socket"
    for what, hows in {
        "read another agent's files, home, prompts or log": [
            ("a file in work", reads, VICTIM + "/work/secret"),
            ("a file in home", reads, VICTIM + "/home/secret"),
            ("a file in tmp", reads, VICTIM + "/tmp/secret"),
            ("the list of work", reads, VICTIM + "/work"),
            ("the log", reads, VICTIM + "/stderr.log"),
        ],
        "write another agent's files, home or log": [
            ("a file in work", appends, VICTIM + "/work/secret"),
            ("the log", appends, VICTIM + "/stderr.log"),
            ("a new file in work", makes, VICTIM + "/work"),
            ("a new file in home", makes, VICTIM + "/home"),
            ("a file cut short", os.truncate, VICTIM + "/tmp/secret", 1),
        ],
        "change the permissions or times of another agent's files or the run's": [
            ("chmod of work", os.chmod, VICTIM + "/work", 0o700),
            ("times of a file", os.utime, VICTIM + "/work/secret", (1, 1)),
        ],
        "get at another's files by symbolic links, hard links, renaming or ..": [
            ("a symbolic link", link),
            ("a symbolic link to a directory", passage),
            ("a hard link", os.link, VICTIM + "/work/secret", "hard"),
            ("taking a file", takes),
            ("leaving a file", leaves),
            ("/proc/self/root", reads, "/proc/self/root" + full("work/secret")),
            ("a descriptor of a directory", by_descriptor),
        ],
        BY_COPIES: [
            ("committing a symbolic link", borrows, "borrowed"),
            ("committing through a link to a directory", borrows, "passage/secret"),
            ("a checkout through a link to a directory", astray),
        ],
        "read or write the run's record, locks, checkpoints and plan": [
            ("the plan", reads, RUN + "/plan.json"),
            ("writing the plan", appends, RUN + "/plan.json"),
            ("the scenario's copy", reads, RUN + "/scenario"),
            ("the locks", reads, RUN + "/locks/victim.lock"),
            ("a new file in the run", makes, RUN),
            ("a new file among the locks", makes, RUN + "/locks"),
            ("the store", reads, DATA + "/bus"),
            ("a new file in the store", makes, DATA + "/bus"),
        ],
        "change the run's copies of programs and templates": [
            ("writing", overwrites, PROGRAM),
            ("another in its place", in_place),
            ("a new file beside it", makes, os.path.dirname(PROGRAM)),
            ("the template of its directory", makes, os.path.dirname(PROGRAM) + ".template"),
        ],
        "read the copies of another entry's programs": [("reading", reads, program)],
        "write the shared tree without a commit": [
            ("a file", overwrites, RUN + "/shared/fixed"),
            ("a new file", makes, RUN + "/shared"),
            ("a link in it", tree_link),
        ],
        "read of the shared tree what the plan keeps from it": [
            ("a file", reads, RUN + "/shared/guarded/secret"),
            ("a directory", reads, RUN + "/shared/guarded"),
        ],
        "read files that the plan does not list": [
            ("a file", reads, env["OUTSIDE"]),
            ("a directory", reads, os.path.dirname(env["OUTSIDE"])),
        ],
        "write outside its own directories": [
            ("a directory for all", makes, env["COMMON"]),
            ("memory that is shared by name", makes, "/dev/shm"),
        ],
        "read the environment, memory or descriptors of other processes": [
            ("the victim's environment", reads, "/proc/%d/environ" % pid),
            ("the supervisor's environment", reads, "/proc/%d/environ" % SUPERVISOR),
            ("the victim's memory", appends, "/proc/%d/mem" % pid),
            ("the supervisor's memory", appends, "/proc/%d/mem" % SUPERVISOR),
            ("the victim's descriptors", appends, "/proc/%d/fd/2" % pid),
            ("the supervisor's descriptors", appends, "/proc/%d/fd/2" % SUPERVISOR),
            ("the victim's directory", reads, "/proc/%d/cwd/secret" % pid),
            ("the victim's memory, by a call", peeks, pid),
        ],
        "trace other processes": [("the victim", traces, pid)],
        "signal other processes": [
            ("the victim", os.kill, pid, signal.SIGCONT),
            ("the victim's group", os.kill, -pid, signal.SIGCONT),
            ("the supervisor", os.kill, SUPERVISOR, signal.SIGCONT),
            ("the victim, by an orphan", forks, os.kill, pid, signal.SIGCONT),
        ],
        "get another user's rights by a set-user-ID program": [("a program of another user's", other_user)],
        "command the supervisor through control.sock": [
            ("asking for the runs", controls),
            ("by an orphan", forks, controls),
        ],
        "connect to TCP ports that the plan does not allow": [("another's port", connects)],
        "listen on TCP ports": [("any port", listens)],
        "connect to abstract sockets of other processes": [("the victim's", abstract, pid)],
        "use descriptors of the supervisor": [("that were left open", refuse, OPENED, "there are none")],
        "reach the terminal that the run was started from": [("opening it", appends, "/dev/tty")],
        "use UDP, or MPTCP in TCP's place": [
            ("a datagram", datagram),
            ("MPTCP to a port that is not allowed", multipath),
        ],
        "see that a file is there, its size and its times": [("a file", os.stat, env["OUTSIDE"])],
        "see which processes there are, and their commands": [("the victim's command", names_victim, pid)],
    }.items():
        for how, act, *args in hows:
            attempt(what, how, act, *args)
    for door, what in (
        (own, "ask the runtime in another agent's name, through its own socket"),
        (theirs, "ask the runtime in another agent's name, through that one's socket"),
    ):
        for how, request in {
            "a checkout": {"op": "checkout", "paths": ["guarded/secret"]},
            "a commit": {"op": "commit", "files": [{"path": "by-python", "base": None, "text": STOLEN}]},
            "a message": {"op": "send", "to": "victim", "body": 1},
            "a lease": {"op": "lock", "paths": ["by-python"]},
        }.items():
            attempt(what, how, lambda: asks(door, agent="victim", **request))
        attempt(what, "by an orphan", forks, lambda: asks(door, agent="victim", op="send", to="victim", body=1))
    for how, path in {
        "a path of ..": "../stolen",
        "a path of .. behind a name": "open/../../stolen",
        "an absolute path": "/etc/stolen",
        "the notes of a copy": ".troupe/notes.json",
        "a NUL in the path": "open\0stolen",
    }.items():
        attempt(BY_COMMIT, how, commits, path)


# A process that is to outlive the run sleeps for a time that tells it from others.
ESCAPES = {
    "a session of its own": lambda: None,
    "a double fork": lambda: os.fork() and os._exit(0),
    "deafness to signals": lambda: [signal.signal(s, signal.SIG_IGN) for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)],
}


def outlive():
    global tries
    for n, (how, escape) in enumerate(ESCAPES.items()):
        tries += 1
        mark = "1000.%d%d" % (os.getpid(), n)
        child = os.fork()
        if child == 0:
            try:
                if os.fork() == 0:
                    os.setsid()
                    escape()
                    os.chdir("/")
                    os.execve("/bin/sleep", ["sleep", mark], {})
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        print("left", "outlive its run by sessions, double forks or new parents", how, mark, sep="\t", file=sys.stderr, flush=True)


def turn(o):
    if o["tick"] == 0:
        gate("begin")
        first()
        commits("fixed", 0)
        commits("guarded/secret", 0)
        races()
        gate("over")
    if o["tick"] == 1:
        attempt(BY_COMMIT, "what it may not write", told, o["results"], "fixed")
        attempt(BY_COMMIT, "what it may not read", told, o["results"], "guarded/secret")
        attempt(BY_COPIES, "committing from a directory that becomes a link meanwhile", raced)
        commits("leased", 0, token=1)
    if o["tick"] == 2:
        attempt(BY_COMMIT, "under another's fencing token", told, o["results"], "leased")
        outlive()
        print("over", tries, sep="\t", file=sys.stderr, flush=True)


for line in sys.stdin:
    o = json.loads(line)
    if o["type"] == "init":
        print(json.dumps({"type": "ready", "agent": o["agent"]}), flush=True)
    elif o["type"] == "observe":
        turn(o)
        print(json.dumps({"type": "act", "agent": o["agent"], "tick": o["tick"], "action": {"say": "that was all"}}), flush=True)
