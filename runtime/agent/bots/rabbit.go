package bots

import "github.com/troupe-dev/troupe/runtime/agent"

// A rabbit is a pair in the world population: it has one pair of young in
// every month from a certain age on, and may die of age.
type rabbit struct {
	// BreedsFrom is the age, in ticks, of its first young.
	BreedsFrom int `json:"breeds_from"`
	// Lifespan is for how many ticks a pair lives, the one it is born into
	// (age 0) and the one it dies in included; 0 for ever.
	Lifespan int `json:"lifespan"`
}

type breed struct {
	Offspring int  `json:"offspring"`
	Die       bool `json:"die"`
}

func newRabbit(s agent.Start) (agent.Player, error) {
	r := rabbit{BreedsFrom: 1}
	return r, s.Unmarshal(&r)
}

// Snapshot is agent.Keeper's: a rabbit remembers nothing.
func (r rabbit) Snapshot() (any, error) { return nil, nil }

func (r rabbit) Play(o agent.Observation) agent.Reply {
	var seen struct{ Age int }
	if err := o.Unmarshal(&seen); err != nil {
		return o.Fail(err)
	}
	wish := breed{Die: r.Lifespan > 0 && seen.Age+1 >= r.Lifespan}
	if seen.Age >= r.BreedsFrom {
		wish.Offspring = 1
	}
	return o.Act(wish)
}
