package world

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// constellations are games with the wolves' exact chances of winning.
var constellations = []struct {
	players, wolves int
	chance          *big.Rat
}{
	{5, 1, big.NewRat(8, 15)},
	{7, 1, big.NewRat(16, 35)},
	{7, 2, big.NewRat(27, 35)},
	{9, 2, big.NewRat(221, 315)},
	{9, 3, big.NewRat(31, 35)},
	{12, 3, big.NewRat(229, 256)},
}

// wolvesWin is the wolves' chance at dawn, where anybody is lynched with the same
// chance and the game is over at parity.
func wolvesWin(players, wolves int) *big.Rat {
	switch {
	case wolves == 0:
		return new(big.Rat)
	case 2*wolves >= players:
		return big.NewRat(1, 1)
	}
	dawn := func(players, wolves int) *big.Rat { // after the lynching
		if wolves == 0 || 2*wolves >= players {
			return wolvesWin(players, wolves)
		}
		return wolvesWin(players-1, wolves)
	}
	hit := new(big.Rat).Mul(big.NewRat(int64(wolves), int64(players)), dawn(players-1, wolves-1))
	miss := new(big.Rat).Mul(big.NewRat(int64(players-wolves), int64(players)), dawn(players-1, wolves))
	return hit.Add(hit, miss)
}

func TestWolvesExactChances(t *testing.T) {
	for _, c := range constellations {
		if got := wolvesWin(c.players, c.wolves); got.Cmp(c.chance) != 0 {
			t.Errorf("%d wolves among %d players win with %v, want %v", c.wolves, c.players, got, c.chance)
		}
	}
}

// people are the agents of so many villages.
func people(villages, players, wolves int) (ids []string) {
	for village := range villages {
		for i := range players {
			kind := "villager"
			if i < wolves {
				kind = "wolf"
			}
			ids = append(ids, fmt.Sprintf("%s-%d-%d", kind, village+1, i+1))
		}
	}
	return ids
}

// random are actions of players who vote for anybody they may vote for.
func randomly(w *werewolf, rng *rand.Rand, asked []Observation, actions []Action) []Action {
	for _, o := range asked {
		home := w.home[w.index[o.Agent]]
		action := `{}`
		if v := home.village; v.step == w.conf.Talk {
			place := rng.IntN(len(v.living))
			for !v.eligible(place) {
				place = rng.IntN(len(v.living))
			}
			action = voteFor[place]
		}
		actions = append(actions, act(o.Agent, action))
	}
	return actions
}

var voteFor = func() (all []string) {
	for _, name := range playerNames {
		all = append(all, fmt.Sprintf(`{"vote":%q}`, name))
	}
	return all
}()

// Random players win as often as the theory says, within three standard errors;
// in cmd/troupe bots do so in more games and in processes of their own.
func TestWerewolfMeetsTheTheory(t *testing.T) {
	const villages, games = 25, 40
	for _, c := range constellations {
		ids := people(villages, c.players, c.wolves)
		w := mustNew(t, "werewolf", fmt.Sprintf(`{"games":%d,"talk":0}`, games)).(*werewolf)
		asked := mustStart(t, w, ids...).Observations
		rng := rand.New(rand.NewPCG(2008, uint64(c.players*100+c.wolves)))
		var actions []Action
		for tick := 0; len(asked) > 0; tick++ {
			actions = randomly(w, rng, asked, actions[:0])
			asked = mustStep(t, w, tick, actions...).Observations
		}
		want, _ := c.chance.Float64()
		got := float64(w.wolvesWon) / (villages * games)
		sigma := math.Sqrt(want * (1 - want) / (villages * games))
		t.Logf("%d wolves among %d: %.4f, in theory %.4f ± %.4f", c.wolves, c.players, got, want, sigma)
		if w.ended != villages*games || math.Abs(got-want) > 3*sigma {
			t.Errorf("%d wolves among %d players win %d of %d games: %.4f, want %.4f ± %.4f", c.wolves, c.players, w.wolvesWon, w.ended, got, want, 3*sigma)
		}
	}
}

// Whatever wolves others are, as long as nobody acts otherwise, a villager is told
// the same to the byte, and in the same ticks.
func TestWerewolfTellsVillagersNothing(t *testing.T) {
	const players, wolves = 12, 3
	compared := 0
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 12))
		var worlds [2]*werewolf
		var asked [2][]Observation
		for i := range worlds {
			worlds[i] = mustNew(t, "werewolf", `{"den":"den-{n}"}`).(*werewolf)
			mustStart(t, worlds[i], people(1, players, wolves)...)
			v := worlds[i].villages[0]
			rng.Shuffle(players, func(a, b int) { v.roles[a], v.roles[b] = v.roles[b], v.roles[a] })
			asked[i] = worlds[i].observe() // of the roles that it has now
		}
		one, other := worlds[0].villages[0], worlds[1].villages[0]
		for !one.closed && !other.closed {
			compared += sameToVillagers(t, worlds, asked)
			common := -1 // any whom all may vote for in both
			for _, place := range rng.Perm(players) {
				if one.eligible(place) && other.eligible(place) {
					common = place
				}
			}
			if common < 0 {
				break // all who live are wolves in one of them
			}
			for i, w := range worlds {
				var actions []Action
				for _, o := range asked[i] {
					action := `{"say":"it is not me"}`
					if w.villages[0].step == w.conf.Talk {
						action = voteFor[common]
					}
					actions = append(actions, act(o.Agent, action))
				}
				asked[i] = mustStep(t, w, w.next, actions...).Observations
			}
		}
	}
	if compared < 500 {
		t.Errorf("only %d observations were compared", compared)
	}
}

// sameToVillagers compares what those are told who are villagers in both worlds.
func sameToVillagers(t *testing.T, worlds [2]*werewolf, asked [2][]Observation) (compared int) {
	t.Helper()
	told := map[string]string{}
	for i, w := range worlds {
		for member, who := range w.villages[0].homes {
			if worlds[1-i].villages[0].roles[member] == wolf || w.villages[0].roles[member] == wolf {
				continue
			}
			text := "nothing"
			for _, o := range asked[i] {
				if o.Agent == w.ids[who] {
					text = string(o.JSON)
				}
			}
			if before, ok := told[w.ids[who]]; ok && before != text {
				t.Fatalf("before tick %d %s is told\n%s\nwhere others are wolves\n%s", w.next, w.ids[who], text, before)
			}
			told[w.ids[who]] = text
			compared++
		}
	}
	return compared
}

// Nothing that a villager is told names an id, a den or another's role. Names are
// drawn anew, so that who was what in a game tells nothing of the next.
func TestWerewolfHidesRoles(t *testing.T) {
	const players, wolves, games = 7, 2, 210
	w := mustNew(t, "werewolf", fmt.Sprintf(`{"games":%d,"den":"den-{n}"}`, games)).(*werewolf)
	asked := mustStart(t, w, people(1, players, wolves)...).Observations
	rng := rand.New(rand.NewPCG(7, 7))
	wolfBy, seen := map[string]int{}, 0
	for tick := 0; len(asked) > 0; tick++ {
		for _, o := range asked {
			p, text := toldBy(t, o), string(o.JSON)
			if p.Role == "wolf" {
				if seen < p.Game && len(p.Pack) == wolves {
					seen = p.Game
					for _, mate := range p.Pack {
						wolfBy[mate.Player]++
					}
				}
				continue
			}
			rest := strings.Replace(text, `"role":"villager"`, "", 1)
			for _, secret := range []string{"wolf", "villager-", "den-", "pack", `"role"`} {
				if secret == "wolf" && p.Previous == "wolves" {
					rest = strings.Replace(rest, `"previous":"wolves"`, "", 1)
				}
				if strings.Contains(rest, secret) {
					t.Fatalf("%s is told %q: %s", o.Agent, secret, text)
				}
			}
			if p.Phase == "night" {
				t.Fatalf("%s is asked by night", o.Agent)
			}
		}
		asked = mustStep(t, w, tick, randomly(w, rng, asked, nil)...).Observations
	}
	mean := float64(games*wolves) / players
	for _, name := range playerNames[:players] {
		sigma := math.Sqrt(mean * (1 - float64(wolves)/players))
		if got := float64(wolfBy[name]); math.Abs(got-mean) > 4*sigma {
			t.Errorf("%s was a wolf in %v of %d games, want %.0f ± %.0f", name, got, games, mean, 4*sigma)
		}
	}
}

// With reveal it is told what the dead were, and nothing of the living.
func TestWerewolfReveals(t *testing.T) {
	w := mustNew(t, "werewolf", `{"talk":0,"reveal":true}`).(*werewolf)
	asked := mustStart(t, w, people(1, 5, 1)...).Observations
	var actions []Action
	for _, o := range asked {
		actions = append(actions, act(o.Agent, voteFor[slices.Index(w.villages[0].who, 0)]))
	}
	dead := w.ids[w.villages[0].homes[0]]
	asked = mustStep(t, w, 0, actions...).Observations
	if p := toldBy(t, asked[0]); len(p.Dead) != 1 || !strings.HasPrefix(dead, p.Dead[0].Role) {
		t.Errorf("the death of %s is told as %+v", dead, p.Dead)
	}
}
