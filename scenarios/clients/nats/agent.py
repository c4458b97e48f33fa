# Tit for tat as a program on the bus, with the official client for Python:
#   pip install nats-py
import asyncio, json, os, sys

import nats


async def main():
    text = open(sys.argv[1]).read() if len(sys.argv) > 1 else os.environ["TROUPE_NATS"]
    me, over = json.loads(text), asyncio.Event()
    nc = await nats.connect(me["url"], user=me["user"], password=me["password"], inbox_prefix=me["inbox"].encode(),
                            max_reconnect_attempts=-1, reconnect_time_wait=0.1)

    async def answer(m):
        line = json.loads(m.data)
        reply = {"agent": line.get("agent")}
        if line["type"] == "init":
            reply["type"] = "ready"
        elif line["type"] == "observe":
            last = line["observation"]["last"]
            reply |= {"type": "act", "tick": line["tick"], "action": {"move": (last and last["opponent"]) or "C"}}
        else:
            if line["type"] == "stop":
                over.set()
            return
        await m.respond(json.dumps(reply).encode())

    await nc.subscribe(me["ask"], cb=answer)
    await over.wait()
    await nc.close()


asyncio.run(main())
