"""Tit for tat in ten lines."""
from troupe import Agent, serve


class TitForTat(Agent):
    def act(self, o):
        last = o.observation["last"]
        return {"move": last["opponent"] or "C" if last else "C"}


serve(TitForTat)
