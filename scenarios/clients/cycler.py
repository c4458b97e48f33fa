"""An agent for parallel_env.py: beats what the other played last."""
from troupe import Agent, serve


class Cycler(Agent):
    def act(self, o):
        seen = o.observation["observation"]
        return {"action": self.config.get("first", 0) if seen == 3 else (seen + 1) % 3}


serve(Cycler)
