// Troupe's client for JavaScript (Node 18 and newer): one file, no dependencies.
//
// An agent in ten lines:
//
//   import { Agent, serve } from './troupe.mjs'
//
//   class TitForTat extends Agent {
//     act (o) {
//       return { move: o.observation.last?.opponent ?? 'C' }
//     }
//   }
//
//   serve(TitForTat)
//
// A world in ten lines:
//
//   import { World, serveWorld } from './troupe.mjs'
//
//   class Vote extends World {
//     start () { return Object.fromEntries([...this.agents.keys()].map(a => [a, { question: 'tea?' }])) }
//     step (tick, actions) { return { columns: { votes: actions.size }, done: true } }
//   }
//
//   serveWorld(Vote)
//
// In a scenario, list this file beside the program: files: [troupe.mjs].
// console.log goes to stderr, the agent's log; answers go their own way.

import { createInterface } from 'node:readline'

console.log = console.info = console.debug = console.error

/** One agent. A process may host several, each an object of its own. */
export class Agent {
  #send = []
  #done = false

  constructor (init) {
    this.id = init.agent
    this.run = init.run
    this.config = init.config ?? {}
    this.random = generator(init.seed ?? 0)
  }

  /** Answers an observation (tick, observation, messages, results, attempt, error) with an action. May be async. */
  act (o) { throw new Error('act is not written') }

  /** Sends a message with the answer under way. */
  send (to, body) { this.#send.push({ to, body }) }

  /** Sends a message to everybody else in a channel. */
  say (channel, body) { this.#send.push({ channel, body }) }

  /** Makes the answer under way the last one. */
  done () { this.#done = true }

  /** Is called when the agent is asked no more. */
  stop (reason) {}

  /** What the protocol wants to hear; serve calls it. */
  async answer (line) {
    this.#send = []
    const action = await this.act({ messages: [], results: [], attempt: 1, ...line })
    const act = { type: 'act', agent: this.id, tick: line.tick, action: action ?? null }
    if (this.#send.length) act.send = this.#send
    if (this.#done) act.done = true
    return act
  }
}

/** The rules of a game. */
export class World {
  constructor (init) {
    this.run = init.run
    this.config = init.config ?? {}
    this.random = generator(init.seed ?? 0)
    this.agents = new Map(init.agents.map(a => [a.id, a.config ?? {}]))
    this.failures = new Map()
  }

  /** The observations of tick 0, by agent. */
  start () { throw new Error('start is not written') }

  /** Plays a tick; actions is a Map, null for an agent that failed. Throw a Refused, before anything is changed or drawn, to have agents asked again. */
  step (tick, actions) { throw new Error('step is not written') }
}

/** Says whose actions are no good, and why: new Refused({ann: 'no such move'}). */
export class Refused extends Error {
  constructor (why) {
    super(JSON.stringify(why))
    this.why = why
  }
}

/** Numbers from 0 to below 1, the same for the same seed (splitmix32, Steele et al. 2014, and its 53-bit seed folded). */
export function generator (seed) {
  let state = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32
  }
}

function say (line) { process.stdout.write(JSON.stringify(line) + '\n') }

async function eachLine (hear) {
  for await (const text of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    if (text.trim()) await hear(JSON.parse(text))
  }
}

/** Hosts agents of a class until stdin ends. */
export async function serve (Make) {
  const agents = new Map()
  await eachLine(async line => {
    if (line.type === 'init') {
      agents.set(line.agent, new Make(line))
      say({ type: 'ready', agent: line.agent })
    } else if (line.type === 'observe') {
      if (!agents.has(line.agent) && 'config' in line) agents.set(line.agent, new Make(line))
      say(await agents.get(line.agent).answer(line))
    } else if (line.type === 'stop') {
      agents.get(line.agent)?.stop(line.reason)
      agents.delete(line.agent)
    }
  })
}

/** Is a world of a class until stdin ends. */
export async function serveWorld (Make) {
  let world
  await eachLine(async line => {
    if (line.type === 'init') {
      world = new Make(line)
      say({ type: 'ready', observations: await world.start(), snapshot: false })
    } else if (line.type === 'step') {
      say(await step(world, line))
    }
  })
}

async function step (world, line) {
  world.failures = new Map(line.actions.filter(a => a.failure).map(a => [a.agent, a.failure]))
  try {
    const stepped = await world.step(line.tick, new Map(line.actions.map(a => [a.agent, a.action])))
    for (const id of stepped.remove ?? []) world.agents.delete(id)
    for (const a of stepped.add ?? []) world.agents.set(a.id, a.config ?? {})
    return { type: 'stepped', tick: line.tick, ...stepped }
  } catch (err) {
    if (err instanceof Refused) return { type: 'refused', tick: line.tick, refused: err.why }
    throw err
  }
}
