package world

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// WerewolfConfig is the config of the world werewolf, the party game that is
// also called Mafia: in a village live some wolves who know each other, and
// villagers who know of nobody but themselves. By day all who live vote on whom
// to lynch, by night the wolves on which villager to kill. It begins with a day.
// The villagers win once no wolf is left, the wolves once they are as many as
// the villagers, which is looked at after each death.
//
// Sources: Mark Braverman, Omid Etesami and Elchanan Mossel, Mafia: a theoretical
// study of players and coalitions in a partial information environment, The
// Annals of Applied Probability 18, 825–846 (2008); Piotr Migdał, A mathematical
// model of the Mafia game, arXiv:1009.1031 (2010), whose winning chances are
// those of players who vote at random.
//
// Villages play side by side, each so many games one after another. An agent's id
// says where it lives and what it is. Roles stay, since processes have walls and
// games do not; but who is behind which name is drawn anew for every game, and
// nobody is told an id, but for the wolves those of their pack. An agent observes
//
//	{"you":"ann","role":"wolf","den":"den-1","pack":[{"player":"ann","agent":"wolf-1-1"},…],
//	 "village":"1","game":1,"games":10,"day":2,"phase":"day","step":"vote",
//	 "living":["ann","bob",…],"dead":[{"player":"cleo","day":1,"how":"lynched"}],
//	 "said":[{"player":"bob","text":"it was dan"}],"votes":[{"player":"ann","for":"cleo"}],
//	 "previous":"villagers"}
//
// where den and pack (of those who live) are there for a wolf alone, how is lynched,
// killed or left, said is what was said aloud when the village was asked last,
// votes are those of the last lynching, and previous says who won the game before,
// and is missing in the first one. Only wolves are asked by night, and the dead not
// before the next game.
//
// Its action is {"say":"…","vote":"dan"}, either or both left out. What is said is
// heard by all, by day; wolves have a channel for the night. A vote counts in the
// step vote: for anybody who lives by day, for a villager who lives by night. Who has most
// votes dies; a tie is drawn. Where nobody votes nobody is lynched, and the wolves
// kill whom they meet. An agent that fails says nothing and votes for nobody. One
// that ended itself has left the game, which is then its village's last.
//
// A score is how many games an agent's side has won. Columns: games (that are
// over) and wolves_won (of them). Events: {"event":"lynched","village":"1",
// "game":1,"day":1,"player":"cleo","agent":"villager-1-3"}, the same with killed
// and left, and {"event":"won","village":"1","game":1,"day":3,"side":"wolves"}.
type WerewolfConfig struct {
	// Wolves and Villagers are patterns of ids, in which {n} stands for the
	// village: wolf-{n}-* and villager-{n}-* if not given. Without {n} there is
	// one village.
	Wolves    string `json:"wolves"`
	Villagers string `json:"villagers"`
	// Den is a pack's channel, with {n} for its village: told to wolves, and none
	// if not given. Who is in it is the scenario's to say.
	Den string `json:"den"`
	// Games are played by each village; 1 if not given.
	Games int `json:"games"`
	// Talk is how many times the village talks before it votes, and the pack
	// before it does; 1 if not given. A tick each.
	Talk int `json:"talk"`
	// Reveal says that what the dead were is told: as role beside how.
	Reveal bool `json:"reveal"`
}

const (
	maxGames = 1e6
	maxTalk  = 100
	// maxSay is how many bytes one may say at a time: all of a large village
	// together must fit into an observation.
	maxSay = 4000
)

var werewolfKind = kind{
	open: openWerewolf,
	example: example{
		config:  `{"wolves":"w-{n}-*","villagers":"v-{n}-*","den":"den-{n}","games":2,"reveal":true}`,
		agents:  []string{"v-a-1", "v-a-2", "v-a-3", "v-a-4", "v-b-1", "v-b-2", "w-a-1", "w-a-2", "w-b-1"},
		actions: []string{`{}`, `{"say":"it was <bob> & \"cleo\""}`, `{"say":""}`, `{"mood":"fine"}`},
		garbage: []string{`null`, `7`, `"ann"`, `["ann"]`, `{"vote":7}`, `{"vote":null}`, `{"say":["x"]}`, `{"say":{}}`},
	},
}

type werewolf struct {
	conf  WerewolfConfig
	roles [2]habitat // by role
	seed  uint64

	*roster
	villages  []*village // by name
	home      []dwelling // like the roster
	wins      []int      // the same
	told      bool       // scores were named once
	ended     int        // games
	wolvesWon int
	next      int
}

// A dwelling is where an agent lives.
type dwelling struct {
	village *village
	member  int
}

func openWerewolf(config []byte) (World, error) {
	w := &werewolf{conf: WerewolfConfig{Wolves: "wolf-{n}-*", Villagers: "villager-{n}-*", Games: 1, Talk: 1}}
	errs, err := decodeConfig(config, &w.conf)
	if err != nil {
		return nil, err
	}
	if w.conf.Games < 1 || w.conf.Games > maxGames {
		errs.add("games", "%d is not between 1 and %d", w.conf.Games, int(maxGames))
	}
	if w.conf.Talk < 0 || w.conf.Talk > maxTalk {
		errs.add("talk", "%d is not between 0 and %d", w.conf.Talk, maxTalk)
	}
	w.roles = [...]habitat{newHabitat(w.conf.Villagers), newHabitat(w.conf.Wolves)}
	for i, key := range []string{"villagers", "wolves"} {
		if !w.roles[i].valid() {
			errs.add(key, "%q is no pattern of ids with one {n} in it, or none; for example wolf-{n}-*", w.roles[i].text)
		}
	}
	if den := strings.Replace(w.conf.Den, "{n}", "", 1); !isToken(den) {
		errs.add("den", "%q is no channel's name with one {n} in it; for example den-{n}", w.conf.Den)
	}
	return w, errs.err()
}

// Noop is the action that says nothing and votes for nobody.
func (w *werewolf) Noop() []byte { return []byte(`{}`) }

func (w *werewolf) Start(_ context.Context, init Init) (Ready, error) {
	var err error
	if w.roster, err = newRoster(init.Agents); err != nil {
		return Ready{}, err
	}
	w.seed = init.Seed
	w.wins = make([]int, len(w.ids))
	if err := w.settle(); err != nil {
		return Ready{}, err
	}
	for _, v := range w.villages {
		w.begin(v, 1)
	}
	if len(init.State) > 0 {
		if err := w.restore(init); err != nil {
			return Ready{}, err
		}
	}
	schema := fmt.Sprintf(`{"type":"object","properties":{"say":{"type":"string","maxLength":%d},"vote":{"type":"string"}}}`, maxSay)
	return Ready{
		Observations:  w.observe(),
		ActionSchemas: map[string][]byte{"*": []byte(schema)},
		Noop:          w.Noop(),
	}, nil
}

func (w *werewolf) Step(_ context.Context, tick int, actions []Action) (Stepped, error) {
	if err := inOrder(tick, w.next); err != nil {
		return Stepped{}, err
	}
	wishes := make([]ballot, len(w.ids))
	err := w.take(actions, func(who int, action []byte) (why string) {
		wishes[who], why = w.read(who, action)
		return why
	})
	if err != nil {
		return Stepped{}, err
	}
	w.next++
	var stepped Stepped
	won := make([]bool, len(w.ids))
	for _, v := range w.villages {
		w.play(v, wishes, won, &stepped)
	}
	stepped.Scores = w.scores(won)
	stepped.Columns = []Column{
		{"games", strconv.AppendInt(nil, int64(w.ended), 10)},
		{"wolves_won", strconv.AppendInt(nil, int64(w.wolvesWon), 10)},
	}
	stepped.Observations = w.observe()
	stepped.Done = !slices.ContainsFunc(w.villages, func(v *village) bool { return !v.closed })
	return stepped, nil
}

// A ballot is what one agent wants in a tick.
type ballot struct {
	say  string
	vote int  // a place in its village; -1 for none
	here bool // it acted at all
}

// read understands one action, or says why it is refused.
func (w *werewolf) read(who int, action []byte) (b ballot, why string) {
	b = ballot{vote: -1, here: true}
	if string(action) == `{}` {
		return b, ""
	}
	v := w.home[who].village
	if place, plain := plainVotes[string(action)]; plain && v.step == w.conf.Talk && place < len(v.living) && v.eligible(place) {
		b.vote = place
		return b, ""
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(action, &fields); err != nil || fields == nil {
		return b, `the action is no object; want {"say": "…", "vote": "…"}`
	}
	if raw, ok := fields["say"]; ok {
		if b.say, ok = textOf(raw); !ok || len(b.say) > maxSay {
			return b, fmt.Sprintf("say is %s; want a text of %d bytes at most", shorten(string(raw)), maxSay)
		}
	}
	raw, ok := fields["vote"]
	if !ok {
		return b, ""
	}
	name, ok := textOf(raw)
	if !ok {
		return b, fmt.Sprintf("vote is %s; want a player's name", shorten(string(raw)))
	}
	if v.step != w.conf.Talk {
		return b, "" // asked too early
	}
	if b.vote = v.candidate(name); b.vote < 0 {
		return b, fmt.Sprintf("vote is %s; want one of %s", shorten(string(raw)), v.candidates())
	}
	return b, ""
}

// textOf is a JSON text's, if it is one.
func textOf(raw []byte) (text string, ok bool) {
	if raw[0] != '"' {
		return "", false
	}
	return text, json.Unmarshal(raw, &text) == nil
}

// scores names the totals of those who won.
func (w *werewolf) scores(won []bool) []Score {
	var scores []Score
	for who, id := range w.ids {
		if w.told && !won[who] {
			continue
		}
		scores = append(scores, Score{Agent: id, Value: strconv.AppendInt(nil, int64(w.wins[who]), 10)})
	}
	w.told = true
	return scores
}
