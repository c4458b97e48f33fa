package world

import (
	"encoding/json"
	"fmt"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// playerNames are what players are called, in the order of the alphabet: a game of
// n has the first n.
var playerNames = []string{
	"ada", "ben", "cleo", "dan", "eve", "finn", "gil", "hal", "ivy", "jon", "kim", "lou", "mia",
	"ned", "ola", "pam", "quin", "ray", "sue", "tom", "una", "vic", "wyn", "xia", "yan", "zoe",
}

// plainVotes are the votes as most write them, by place.
var plainVotes = func() map[string]int {
	votes := make(map[string]int, len(playerNames))
	for place, name := range playerNames {
		votes[`{"vote":"`+name+`"}`] = place
	}
	return votes
}()

// A scene is what all of a village may know.
type scene struct {
	Village  string      `json:"village"`
	Game     int         `json:"game"`
	Games    int         `json:"games"`
	Day      int         `json:"day"`
	Phase    string      `json:"phase"`
	Step     string      `json:"step"`
	Living   []string    `json:"living"`
	Dead     []obituary  `json:"dead"`
	Said     []utterance `json:"said"`
	Votes    []vote      `json:"votes"`
	Previous string      `json:"previous,omitempty"`
}

type obituary struct {
	Player string `json:"player"`
	Day    int    `json:"day"`
	How    string `json:"how"`
	Role   string `json:"role,omitempty"`
}

type utterance struct {
	Player string `json:"player"`
	Text   string `json:"text"`
}

type vote struct {
	Player string `json:"player"`
	For    string `json:"for"`
}

// A packmate is a wolf as its pack knows it.
type packmate struct {
	Player string `json:"player"`
	Agent  string `json:"agent"`
}

// observe tells all who are asked next what they may know.
func (w *werewolf) observe() []Observation {
	clear(w.asked)
	texts := make([][]byte, len(w.ids))
	asked := 0
	for _, v := range w.villages {
		if v.closed {
			continue
		}
		shared, den := w.scene(v), w.pack(v)
		for place, member := range v.who {
			if !v.asked(place) {
				continue
			}
			who := v.homes[member]
			r := v.roles[member]
			text := make([]byte, 0, 64+len(den)+len(shared))
			text = agent.AppendString(append(text, `{"you":`...), playerNames[place])
			text = agent.AppendString(append(text, `,"role":`...), roleNames[r])
			if r == wolf {
				text = append(text, den...)
			}
			texts[who] = append(append(text, ','), shared[1:]...)
			w.asked[who] = true
			asked++
		}
	}
	observations := make([]Observation, 0, asked)
	for who, text := range texts {
		if text != nil {
			observations = append(observations, Observation{Agent: w.ids[who], JSON: text})
		}
	}
	return observations
}

// scene is the object that all of a village are told. That a village has one
// wolf left must not show in how long a night takes, so it takes as many steps
// as ever.
func (w *werewolf) scene(v *village) []byte {
	s := scene{
		Village: v.name, Game: v.number, Games: w.conf.Games, Day: v.day, Phase: "day", Step: "talk",
		Living: []string{}, Dead: []obituary{}, Said: []utterance{}, Votes: []vote{}, Previous: v.previous,
	}
	if v.night {
		s.Phase = "night"
	}
	if v.step == w.conf.Talk {
		s.Step = "vote"
	}
	for place, name := range playerNames[:len(v.homes)] {
		if v.living[place] {
			s.Living = append(s.Living, name)
		}
		if text := v.said[place]; text != "" {
			s.Said = append(s.Said, utterance{name, text})
		}
		if v.votes != nil && v.votes[place] >= 0 {
			s.Votes = append(s.Votes, vote{name, playerNames[v.votes[place]]})
		}
	}
	for _, d := range v.dead {
		o := obituary{Player: playerNames[d.place], Day: d.day, How: d.how}
		if w.conf.Reveal {
			o.Role = roleNames[v.roles[v.who[d.place]]]
		}
		s.Dead = append(s.Dead, o)
	}
	return mustJSON(s)
}

// pack is what wolves are told besides, to stand within an object.
func (w *werewolf) pack(v *village) []byte {
	mates := []packmate{}
	for place, member := range v.who {
		if v.living[place] && v.roles[member] == wolf {
			mates = append(mates, packmate{playerNames[place], w.ids[v.homes[member]]})
		}
	}
	var b []byte
	if v.den != "" {
		b = agent.AppendString(append(b, `,"den":`...), v.den)
	}
	return append(append(b, `,"pack":`...), mustJSON(mates)...)
}

// mustJSON encodes what consists of texts and numbers.
func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("cannot encode %T: %v", v, err))
	}
	return text
}
