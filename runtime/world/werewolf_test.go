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

// Nothing that a villager is told has anything of who is what: with the roles of
// all others exchanged it would be the same. Names are drawn anew, so that who was
// what in a game tells nothing of the next.
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
