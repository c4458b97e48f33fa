"""A world: public goods (Ledyard 1995). Each gives some of its endowment; the
pot is multiplied and shared out equally. Action: {"give": 0…endowment}."""
from troupe import Refused, World, serve_world


class PublicGoods(World):
    def start(self):
        self.totals = {a: 0 for a in self.agents}
        return self.tell(None)

    def snapshot(self):
        return self.totals

    def restore(self, state):
        self.totals = state

    def tell(self, last):
        return {a: {"endowment": self.config["endowment"], "last": last} for a in self.agents}

    def step(self, tick, actions):
        most = self.config["endowment"]
        why = {}
        for who, a in actions.items():
            give = a.get("give") if isinstance(a, dict) else None
            if a is not None and not (isinstance(give, int) and 0 <= give <= most):
                why[who] = f"give is a whole number from 0 to {most}"
        if why:
            raise Refused(why)
        given = {who: a["give"] if a else 0 for who, a in actions.items()}
        share = self.config["factor"] * sum(given.values()) / len(given)
        for who, give in given.items():
            self.totals[who] += most - give + share
        return {
            "observations": self.tell(given),
            "scores": self.totals,
            "columns": {"given": sum(given.values())},
            "done": tick + 1 == self.config["rounds"],
        }


serve_world(PublicGoods)
