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
// Under `state: snapshot` another process takes over from what snapshot() said
// (restore() is given it), with random where it was. An agent without
// properties of its own has nothing to say and needs neither.
//
// In a scenario, list this file beside the program: files: [troupe.mjs].
// console.log goes to stderr, the agent's log; answers go their own way.

import { createInterface } from 'node:readline'

console.log = console.info = console.debug = console.error

/** One agent. A process may host several, each an object of its own. */
export class Agent {
  #send = []
  #done = false
  #fresh

  constructor (init) {
    this.id = init.agent
    this.run = init.run
    this.config = init.config ?? {}
    this.random = generator(init.seed ?? 0)
    this.#fresh = this.random.tell()
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

  /** All that the agent remembers, as JSON can say it; random is kept anyway. */
  snapshot () {
    const own = Object.keys(this).filter(k => !['id', 'run', 'config', 'random'].includes(k))
    if (own.length) throw new Error(`${this.constructor.name} has ${own.join(', ')}: write snapshot and restore`)
    return null
  }

  /** Is called on a new object with what snapshot gave, unless that was null. */
  restore (state) { throw new Error('restore is not written') }

  /** The agent's state on the wire: {state, random}, or null for nothing; serve calls it. */
  keep () {
    const state = this.snapshot() ?? undefined
    const random = this.random.tell() === this.#fresh ? undefined : this.random.tell()
    return state === undefined && random === undefined ? null : { state, random }
  }

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

  /** The game between two ticks, as JSON can say it; random, agents and the observations are kept anyway. A world that doesn't write this is stepped through the past instead. */
  snapshot () { throw new Error('snapshot is not written') }

  /** Is called in place of start, with what snapshot gave. */
  restore (state) { throw new Error('restore is not written') }
}

/** Says whose actions are no good, and why: new Refused({ann: 'no such move'}). */
export class Refused extends Error {
  constructor (why) {
    super(JSON.stringify(why))
    this.why = why
  }
}

/** Numbers from 0 to below 1, the same for the same seed (splitmix32, Steele et al. 2014, and its 53-bit seed folded). Its tell says where it is, and resume takes it there. */
export function generator (seed) {
  let state = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32
  }
  next.tell = () => state
  next.resume = was => { state = was }
  return next
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
      const agent = new Make(line)
      if (line.state?.random !== undefined) agent.random.resume(line.state.random)
      if (line.state?.state !== undefined) agent.restore(line.state.state)
      agents.set(line.agent, agent)
      say({ type: 'ready', agent: line.agent })
    } else if (line.type === 'observe') {
      if (!agents.has(line.agent) && 'config' in line) agents.set(line.agent, new Make(line))
      say(await agents.get(line.agent).answer(line))
    } else if (line.type === 'snapshot') {
      say({ type: 'state', agent: line.agent, state: agents.get(line.agent).keep() })
    } else if (line.type === 'stop') {
      agents.get(line.agent)?.stop(line.reason)
      agents.delete(line.agent)
    }
  })
}

/** Is a world of a class until stdin ends. */
export async function serveWorld (Make) {
  let world, observations
  await eachLine(async line => {
    if (line.type === 'init') {
      world = new Make(line)
      observations = line.state ? await resume(world, line.state) : await world.start()
      say({ type: 'ready', observations, snapshot: world.snapshot !== World.prototype.snapshot })
    } else if (line.type === 'step') {
      const answer = await step(world, line)
      if (answer.type === 'stepped') observations = answer.observations ?? {}
      say(answer)
    } else if (line.type === 'snapshot') {
      const agents = [...world.agents] // an object would put ids that are numbers first, by size
      say({ type: 'state', state: { state: await world.snapshot(), random: world.random.tell(), agents, observations } })
    }
  })
}

/** Takes a world to where a state has it; gives the observations of the next tick. */
async function resume (world, kept) {
  world.random.resume(kept.random)
  world.agents = new Map(kept.agents)
  await world.restore(kept.state)
  return kept.observations
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
