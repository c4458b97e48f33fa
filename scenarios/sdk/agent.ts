// An agent that asks its model through the Claude Agent SDK. Node 22.18 and newer
// runs it as it is: the types are for the reader and the editor.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, serve } from '../clients/troupe.mjs'

type Options = { resume?: string, [option: string]: unknown }
type Message = { type: string, subtype?: string, is_error?: boolean, result?: string, errors?: string[], session_id?: string }
type Query = (ask: { prompt: string, options: Options }) => AsyncIterable<Message>
type Observation = { tick: number, observation: unknown, messages: { from: string, body: unknown }[], error?: string }

// Beside the run there is no node_modules: AGENT_SDK says where the package is.
const { query }: { query: Query } = await import(process.env.AGENT_SDK ? `${process.env.AGENT_SDK}/sdk.mjs` : '@anthropic-ai/claude-agent-sdk')

// The session's id: in the working directory, which a process that takes over
// finds as it was at the last tick on record. So does it find the session itself,
// which the SDK keeps in HOME.
const kept = 'session'

class Player extends Agent {
  declare id: string
  declare config: { model?: string, system?: string }

  async act (o: Observation): Promise<unknown> {
    return action(await this.ask(asked(o)))
  }

  // ask has one turn of the conversation. A query of one prompt ends with its
  // process, and then the session is written whole: an answer that is given only
  // then is never one that the session does not know of.
  async ask (prompt: string): Promise<string> {
    const options: Options = {
      model: this.config.model ?? 'haiku',
      systemPrompt: this.config.system ?? `You are ${this.id}, a player of a game. Think in a sentence or two, then answer.`,
      tools: [],
      settingSources: [],
      permissionMode: 'dontAsk',
      maxTurns: 1,
      stderr: (text: string) => process.stderr.write(text)
    }
    if (existsSync(kept)) options.resume = readFileSync(kept, 'utf8')
    let result: Message | undefined
    for await (const message of query({ prompt, options })) {
      if (message.type === 'result') result = message
    }
    if (!result) throw new Error('the model gave no answer: the SDK ended without a result')
    if (result.subtype !== 'success' || result.is_error) {
      throw new Error(`the model gave no answer: ${result.subtype}: ${result.result ?? result.errors?.join('; ') ?? ''}`)
    }
    if (result.session_id) writeFileSync(kept, result.session_id)
    return result.result ?? ''
  }
}

// asked is an observation as the model is told it.
function asked (o: Observation): string {
  let text = `Tick ${o.tick}.`
  if (o.error) text += ` Your last answer was not accepted: ${o.error}`
  text += `\n\nYou observe: ${JSON.stringify(o.observation)}\n`
  for (const m of o.messages) text += `\nA message from ${m.from}: ${JSON.stringify(m.body)}`
  return text + '\nEnd your answer with one JSON object: {"action": your action}, such as {"action": {"move": "C"}}.'
}

// action is what the last JSON object of an answer says; null where there is
// none, which the world refuses, so that the model is asked again and told why.
function action (text: string): unknown {
  const end = text.lastIndexOf('}') + 1
  for (let at = text.indexOf('{'); at >= 0 && at < end; at = text.indexOf('{', at + 1)) {
    try {
      return JSON.parse(text.slice(at, end)).action ?? null
    } catch {} // it begins further on
  }
  return null
}

serve(Player)
