// Tit for tat as a program on the bus, with the official client for JavaScript:
//   npm install nats
import { readFileSync } from 'node:fs'
import { connect } from 'nats'

const file = process.argv[2]
const me = JSON.parse(file ? readFileSync(file) : process.env.TROUPE_NATS)
const nc = await connect({
  servers: me.url, user: me.user, pass: me.password, inboxPrefix: me.inbox,
  maxReconnectAttempts: -1, reconnectTimeWait: 100
})
const say = (m, line) => m.respond(JSON.stringify(line))

for await (const m of nc.subscribe(me.ask)) {
  const line = m.json()
  const { agent, tick } = line
  if (line.type === 'init') {
    say(m, { type: 'ready', agent })
  } else if (line.type === 'observe') {
    say(m, { type: 'act', agent, tick, action: { move: line.observation.last?.opponent ?? 'C' } })
  } else if (line.type === 'stop') {
    break
  }
}
await nc.close()
