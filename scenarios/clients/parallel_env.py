"""Wraps an environment with PettingZoo's parallel interface as a world.

PettingZoo is not needed: RockPaperScissors below has the same interface
(possible_agents, agents, reset, step). To wrap one of PettingZoo's, import it
and hand it to serve_env. The env's agents are seated in the order of our ids.
"""
from troupe import World, serve_world


class RockPaperScissors:
    """rps_v2 in small: actions 0, 1, 2; the other's last action is observed, 3 at first."""

    def __init__(self, rounds=10):
        self.possible_agents = ["player_0", "player_1"]
        self.rounds = rounds

    def reset(self, seed=None, options=None):
        self.agents, self.moves = self.possible_agents[:], 0
        return {a: 3 for a in self.agents}, {a: {} for a in self.agents}

    def step(self, actions):
        a, b = self.agents
        win = (actions[a] - actions[b]) % 3  # 0 draw, 1 for a, 2 for b
        rewards = {a: (0, 1, -1)[win], b: (0, -1, 1)[win]}
        self.moves += 1
        over = {x: self.moves >= self.rounds for x in self.agents}
        observations = {a: actions[b], b: actions[a]}
        infos = {x: {} for x in self.agents}
        if self.moves >= self.rounds:
            self.agents = []
        return observations, rewards, {x: False for x in over}, over, infos


def serve_env(make_env):
    class Parallel(World):
        def start(self):
            self.env = make_env(self.config)
            ids, seats = sorted(self.agents), self.env.possible_agents
            if len(ids) != len(seats):
                raise SystemExit(f"the environment wants {len(seats)} agents, the scenario has {len(ids)}")
            self.seat, self.who = dict(zip(ids, seats)), dict(zip(seats, ids))
            self.totals = {a: 0 for a in ids}
            observations, _ = self.env.reset(seed=self.random.randrange(2**31))
            return self.tell(observations)

        def tell(self, observations):
            return {self.who[s]: {"observation": plain(observations[s])} for s in self.env.agents}

        def step(self, tick, actions):
            moves = {self.seat[a]: (x["action"] if x else 0) for a, x in actions.items() if a in self.seat}
            observations, rewards, _, _, _ = self.env.step(moves)
            for seat, reward in rewards.items():
                self.totals[self.who[seat]] += plain(reward)
            return {"observations": self.tell(observations), "scores": self.totals, "done": not self.env.agents}

    serve_world(Parallel)


def plain(value):
    """numpy's numbers and arrays as JSON knows them."""
    return value.tolist() if hasattr(value, "tolist") else value


if __name__ == "__main__":
    serve_env(lambda config: RockPaperScissors(config.get("rounds", 10)))
