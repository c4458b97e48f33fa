# Stands in for nats-py, where that cannot be installed, so far as ../nats/agent.py uses
# it: it speaks the protocol of NATS, and takes what nats-py takes by the same names.
import asyncio, json
from urllib.parse import urlparse


class Msg:
    def __init__(self, nc, reply, data):
        self.nc, self.reply, self.data = nc, reply, data

    async def respond(self, data):
        await self.nc.send(b"PUB %s %d\r\n%s\r\n" % (self.reply, len(data), data))


class Client:
    async def open(self, url, user, password):
        at = urlparse(url)
        self.reader, self.writer = await asyncio.open_connection(at.hostname, at.port, limit=1 << 22)
        assert (await self.reader.readline()).startswith(b"INFO ")
        login = {"user": user, "pass": password, "verbose": False, "pedantic": False}
        await self.send(b"CONNECT %s\r\nPING\r\n" % json.dumps(login).encode())
        line = await self.reader.readline()
        assert line == b"PONG\r\n", line
        self.callbacks, self.task = {}, asyncio.create_task(self.read())

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def subscribe(self, subject, cb):
        sid = b"%d" % (len(self.callbacks) + 1)
        self.callbacks[sid] = cb
        await self.send(b"SUB %s %s\r\n" % (subject.encode(), sid))

    async def read(self):
        while line := await self.reader.readline():
            words = line.split()
            if words[0] == b"PING":
                await self.send(b"PONG\r\n")
            elif words[0] == b"MSG":  # subject, number of the subscription, where to answer, length
                data = await self.reader.readexactly(int(words[-1]) + 2)
                await self.callbacks[words[2]](Msg(self, words[3], data[:-2]))

    async def close(self):
        self.writer.close()
        await self.task


async def connect(url, *, user, password, inbox_prefix, max_reconnect_attempts, reconnect_time_wait):
    assert isinstance(inbox_prefix, bytes)
    nc = Client()
    await nc.open(url, user, password)
    return nc
