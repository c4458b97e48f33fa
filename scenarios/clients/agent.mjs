// Tit for tat in ten lines.
import { Agent, serve } from './troupe.mjs'

class TitForTat extends Agent {
  act (o) {
    return { move: o.observation.last?.opponent ?? 'C' }
  }
}

serve(TitForTat)
