package world

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A role is one of the two sides.
type role int

const (
	villager role = iota
	wolf
)

var (
	roleNames = [...]string{"villager", "wolf"}
	sideNames = [...]string{"villagers", "wolves"}
)

// A habitat says by a pattern of ids who has a role, and where they live.
type habitat struct {
	text           string
	prefix, suffix string
	named          bool // there is an {n} between the two
}

func newHabitat(pattern string) habitat {
	h := habitat{text: pattern}
	h.prefix, h.suffix, h.named = strings.Cut(pattern, "{n}")
	return h
}

func (h habitat) valid() bool {
	return h.text != "" && isToken(strings.ReplaceAll(h.prefix+h.suffix, "*", ""))
}

// village is where the agent of an id lives, if it has the role: the shortest
// name that makes it fit.
func (h habitat) village(id string) (name string, ok bool) {
	if !h.named {
		return "1", match(h.prefix, id)
	}
	for i := range id {
		if !match(h.prefix, id[:i]) {
			continue
		}
		for j := i + 1; j <= len(id); j++ {
			if match(h.suffix, id[j:]) {
				return id[i:j], true
			}
		}
	}
	return "", false
}

// A village is where a game is played. In a game its people have places: those
// of their names in the alphabet, so that no order tells who is who.
type village struct {
	name  string
	den   string
	homes []int // its agents, numbered as in the roster
	roles []role

	game
	closed bool // no more games
}

// A game is one of a village.
type game struct {
	number   int // from 1
	day      int // from 1
	night    bool
	step     int   // talks that were had since it dawned or dusked
	who      []int // by place: which of homes
	dead     []death
	living   []bool   // by place
	said     []string // by place, when all were asked last
	votes    []int    // by place, of the last lynching: a place, or -1; nil before
	previous string   // the side that won the game before
}

// A death is one of a game.
type death struct {
	place int
	day   int
	how   string
}

// The ways to die.
const (
	byLynching = "lynched"
	byKilling  = "killed"
	byLeaving  = "left"
)

// settle finds out where all agents live.
func (w *werewolf) settle() error {
	byName := map[string]*village{}
	w.home = make([]dwelling, len(w.ids))
	for who, id := range w.ids {
		name, r, err := w.place(id)
		if err != nil {
			return err
		}
		v := byName[name]
		if v == nil {
			v = &village{name: name, den: strings.Replace(w.conf.Den, "{n}", name, 1)}
			byName[name] = v
			w.villages = append(w.villages, v)
		}
		w.home[who] = dwelling{v, len(v.homes)}
		v.homes, v.roles = append(v.homes, who), append(v.roles, r)
	}
	slices.SortFunc(w.villages, func(a, b *village) int { return Natural(a.name, b.name) })
	for _, v := range w.villages {
		wolves := 0
		for _, r := range v.roles {
			wolves += int(r)
		}
		if n := len(v.homes); n > len(playerNames) || wolves == 0 || 2*wolves >= n {
			return fmt.Errorf("cannot start the world: village %s has %d players with %d wolves; it wants %d players at most, a wolf at least, and more villagers than wolves",
				v.name, n, wolves, len(playerNames))
		}
	}
	return nil
}

func (w *werewolf) place(id string) (name string, r role, err error) {
	name, ok := w.roles[villager].village(id)
	other, both := w.roles[wolf].village(id)
	switch {
	case ok && both:
		return "", 0, fmt.Errorf("cannot start the world: agent %s fits both %s and %s", id, w.conf.Villagers, w.conf.Wolves)
	case both:
		return other, wolf, nil
	case ok:
		return name, villager, nil
	}
	return "", 0, fmt.Errorf("cannot start the world: agent %s fits neither %s nor %s", id, w.conf.Villagers, w.conf.Wolves)
}

// draw is chance that hangs on the seed and on what it is for alone, so that no
// state has to say how far it is drawn.
func (w *werewolf) draw(v *village, what string) *rand.Rand {
	return rand.New(rand.NewPCG(agent.Seed(w.seed, fmt.Sprintf("%s %d %d %s", v.name, v.number, v.day, what)), 0))
}

// begin sets up a village's game of that number, with names drawn anew.
func (w *werewolf) begin(v *village, number int) {
	n := len(v.homes)
	v.game = game{
		number: number, day: 1, previous: v.previous,
		living: make([]bool, n), said: make([]string, n),
	}
	v.who = w.draw(v, "names").Perm(n)
	for place := range v.living {
		v.living[place] = true
	}
}

// count is how many of a role live.
func (v *village) count(r role) (n int) {
	for place, lives := range v.living {
		if lives && v.roles[v.who[place]] == r {
			n++
		}
	}
	return n
}

// winner is the side that has won, if one has.
func (v *village) winner() (side role, over bool) {
	wolves := v.count(wolf)
	return role(min(wolves, 1)), wolves == 0 || wolves >= v.count(villager)
}

// asked says whether who has a place is asked next.
func (v *village) asked(place int) bool {
	return !v.closed && v.living[place] && (!v.night || v.roles[v.who[place]] == wolf)
}

// eligible says whether one may vote for who has a place.
func (v *village) eligible(place int) bool {
	return v.living[place] && (!v.night || v.roles[v.who[place]] == villager)
}

// candidate is the place of a player whom one may vote for; -1 for none.
func (v *village) candidate(name string) int {
	place, ok := slices.BinarySearch(playerNames[:len(v.homes)], name)
	if !ok || !v.eligible(place) {
		return -1
	}
	return place
}

// candidates names all whom one may vote for.
func (v *village) candidates() string {
	var names []string
	for place := range v.living {
		if v.eligible(place) {
			names = append(names, playerNames[place])
		}
	}
	return strings.Join(names, ", ")
}

// play takes a village from one step to the next.
func (w *werewolf) play(v *village, wishes []ballot, won []bool, stepped *Stepped) {
	if v.closed {
		return
	}
	for place, lives := range v.living {
		if lives && w.gone[v.homes[v.who[place]]] {
			w.die(v, place, byLeaving, stepped)
		}
	}
	if !v.night {
		for place := range v.said {
			v.said[place] = wishes[v.homes[v.who[place]]].say
		}
	}
	_, over := v.winner()
	voted := v.step == w.conf.Talk
	if voted && !over {
		w.vote(v, wishes, stepped)
	}
	if side, over := v.winner(); over {
		w.finish(v, side, won, stepped)
		return
	}
	v.step++
	if voted {
		v.step = 0
		if v.night {
			v.day++
		}
		v.night = !v.night
	}
}

// vote counts the votes, and whom they are for dies.
//
// Players who vote at random, all by the same law, have each other lynched with
// the same chance: exchanging two of them changes neither the law of the votes
// nor that of the draw between those who have most. That is the random lynching
// of the sources.
func (w *werewolf) vote(v *village, wishes []ballot, stepped *Stepped) {
	counts := make([]int, len(v.living))
	votes := make([]int, len(v.living))
	most := 0
	for place := range v.living {
		votes[place] = -1
		if wish := wishes[v.homes[v.who[place]]]; v.living[place] && wish.here && wish.vote >= 0 && v.eligible(wish.vote) {
			votes[place] = wish.vote
			counts[wish.vote]++
			most = max(most, counts[wish.vote])
		}
	}
	how := byKilling
	if !v.night {
		how, v.votes = byLynching, votes
		if most == 0 {
			return
		}
	}
	var first []int
	for place, n := range counts {
		if n == most && v.eligible(place) {
			first = append(first, place)
		}
	}
	w.die(v, first[w.draw(v, how).IntN(len(first))], how, stepped)
}

func (w *werewolf) die(v *village, place int, how string, stepped *Stepped) {
	v.living[place] = false
	v.dead = append(v.dead, death{place, v.day, how})
	event := v.event(how)
	event = agent.AppendString(append(event, `,"player":`...), playerNames[place])
	event = agent.AppendString(append(event, `,"agent":`...), w.ids[v.homes[v.who[place]]])
	stepped.Events = append(stepped.Events, append(event, '}'))
}

func (v *village) event(what string) []byte {
	b := agent.AppendString([]byte(`{"event":`), what)
	b = agent.AppendString(append(b, `,"village":`...), v.name)
	b = strconv.AppendInt(append(b, `,"game":`...), int64(v.number), 10)
	return strconv.AppendInt(append(b, `,"day":`...), int64(v.day), 10)
}

// finish books a game that is over, and begins the next.
func (w *werewolf) finish(v *village, side role, won []bool, stepped *Stepped) {
	w.ended++
	w.wolvesWon += int(side)
	leftOne := false
	for member, who := range v.homes {
		leftOne = leftOne || w.gone[who]
		if v.roles[member] == side {
			w.wins[who]++
			won[who] = true
		}
	}
	stepped.Events = append(stepped.Events, append(agent.AppendString(append(v.event("won"), `,"side":`...), sideNames[side]), '}'))
	if v.previous = sideNames[side]; v.number == w.conf.Games || leftOne {
		v.closed = true
		return
	}
	w.begin(v, v.number+1)
}
