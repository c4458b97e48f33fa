package world

import (
	"errors"
	"strings"
	"testing"
)

func TestKindsListsTheTable(t *testing.T) {
	if got, want := strings.Join(Kinds(), " "), "conversation grid-game matrix-game population public-goods tasks werewolf"; got != want {
		t.Errorf("kinds %s, want %s", got, want)
	}
	_, err := New("chess", nil)
	wantError(t, err, `unknown kind "chess"`, "conversation, grid-game, matrix-game, population, public-goods, tasks, werewolf")
}

func TestConfigErrorsNameTheirKey(t *testing.T) {
	const grid = `"width":2,"height":2,` + dilemma
	for _, test := range []struct{ kind, config, key, message string }{
		{"conversation", `[]`, "", "a list where a mapping is wanted"},
		{"conversation", `{`, "", "not valid JSON"},
		{"conversation", ``, "rounds", "missing; a whole number is wanted"},
		{"conversation", `{"rounds":null}`, "rounds", "null where a whole number is wanted"},
		{"conversation", `{"rounds":1.5}`, "rounds", "1.5 where a whole number is wanted"},
		{"conversation", `{"rounds":1e99}`, "rounds", "1e99 where a whole number is wanted"},
		{"conversation", `{"rounds":0}`, "rounds", "0 is not between 1 and"},
		{"conversation", `{"rounds":1,"Topic":"x"}`, "Topic", "unknown key; known keys: order, rounds, topic"},
		{"conversation", `{"rounds":1,"topic":7}`, "topic", "7 where a text is wanted"},
		{"conversation", `{"rounds":1,"order":"random"}`, "order", `"random" is none of in-turn, together`},
		{"matrix-game", `{"moves":["C","D"],"payoffs":{"CC":1,"CD":1,"DC":1}}`, "payoffs.DD", "missing; what D gets against D"},
		{"matrix-game", `{"moves":["C","D"],"payoffs":{"CC":1,"CD":1,"DC":1,"DD":1,"DE":1}}`, "payoffs.DE", "known pair"},
		{"matrix-game", `{"moves":["C","D"],"payoffs":{"CC":"3","CD":1,"DC":1,"DD":1}}`, "payoffs.CC", `"3" where a number is wanted`},
		{"matrix-game", `{"moves":["C","D"],"payoffs":{"CC":1e300,"CD":1,"DC":1,"DD":1}}`, "payoffs.CC", "is not between"},
		{"matrix-game", `{"moves":["a","aa"],"payoffs":{"aa":1,"aaa":1,"aaaa":1}}`, "moves", `two pairs of moves are both written "aaa"`},
		{"matrix-game", `{"moves":["C"],"payoffs":{"CC":1}}`, "moves", "1 moves where 2 to 64 are wanted"},
		{"matrix-game", `{"moves":["C","C"],"payoffs":{"CC":1}}`, "moves[1]", "is empty or there already"},
		{"matrix-game", `{"moves":["C",1],"payoffs":{}}`, "moves[1]", "1 where a text is wanted"},
		{"matrix-game", `{` + prisoners + `,"turns":0}`, "turns", "is not between 1"},
		{"matrix-game", `{` + prisoners + `,"noop":"E"}`, "noop", `"E" is none of the moves`},
		{"matrix-game", `{` + prisoners + `,"groups":{"x":[]}}`, "groups.x", "an empty list"},
		{"matrix-game", `{` + prisoners + `,"groups":["x"]}`, "groups", "a list where a mapping is wanted"},
		{"tasks", `{"answer":{"type":7}}`, "answer", "is no JSON Schema"},
		{"tasks", `{"tasks":7}`, "tasks", "7 where a list is wanted"},
		{"public-goods", `{"rounds":0}`, "rounds", "0 is not between 1 and"},
		{"public-goods", `{"rounds":1,"endowment":0}`, "endowment", "0 is not between 1 and"},
		{"public-goods", `{"rounds":1,"multiplier":-1}`, "multiplier", "-1 is not between 0 and"},
		{"grid-game", `{` + grid + `,"initial":{"all":"C"},"self":"yes"}`, "self", `"yes" where true or false is wanted`},
		{"grid-game", `{` + grid + `,"initial":{}}`, "initial.all", "missing"},
		{"grid-game", `{` + grid + `,"initial":{"all":"E"}}`, "initial.all", `"E" is none of the moves`},
		{"grid-game", `{` + grid + `,"initial":{"all":"C","cells":[{"x":0,"y":0,"move":"D"},{"x":0,"move":"D"}]}}`, "initial.cells[1].y", "missing"},
		{"grid-game", `{` + grid + `,"initial":{"all":"C","cells":[{"x":0,"y":2,"move":"D"}]}}`, "initial.cells[0]", "outside the grid of 2 × 2"},
		{"grid-game", `{` + grid + `,"initial":{"all":"C","cells":[{"x":0,"y":1,"move":"D"},{"x":0,"y":1,"move":"C"}]}}`, "initial.cells[1]", "listed twice"},
		{"grid-game", `{` + grid + `,"initial":{"all":"C"},"boundary":"torus"}`, "boundary", "at least 3 × 3"},
		{"grid-game", `{` + grid + `,"initial":{"all":"C"},"boundary":"open"}`, "boundary", `"open" is none of fixed, torus`},
		{"grid-game", `{` + grid + `,"initial":{"all":"C"},"neighbourhood":"hex"}`, "neighbourhood", "none of moore, von-neumann"},
		{"grid-game", `{` + grid + `,"initial":{"all":"C"},"count":{"x":"E"}}`, "count.x", `"E" is none of the moves`},
		{"grid-game", `{"width":0,"height":9999,` + dilemma + `,"initial":{"all":"C"}}`, "width", "0 is not between 1 and"},
		{"population", `{"newborn":"rabbit"}`, "newborn", `"rabbit" is no id with one {n} in it`},
		{"population", `{"newborn":"a.{n}"}`, "newborn", "is no id"},
		{"population", `{"newborn":"é{n}"}`, "newborn", "is no id"},
		{"population", `{"newborn":"{n}-{n}"}`, "newborn", "is no id"},
		{"population", `{"newborn":"a-{n}","ticks":-1}`, "ticks", "less than 0"},
		{"population", `{"newborn":"a-{n}","age":-1}`, "age", "is not between"},
		{"population", `{"newborn":"a-{n}","max_offspring":0}`, "max_offspring", "is not between 1 and 1000"},
	} {
		_, err := New(test.kind, []byte(test.config))
		var errs ConfigErrors
		if !errors.As(err, &errs) {
			t.Errorf("%s %s: error %v, want ConfigErrors", test.kind, test.config, err)
			continue
		}
		found := false
		for _, e := range errs {
			found = found || e.Key == test.key && strings.Contains(e.Message, test.message)
		}
		if !found {
			t.Errorf("%s %s: %v, want %q: %q", test.kind, test.config, errs, test.key, test.message)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern, id string
		want        bool
	}{
		{"*", "", true}, {"*", "a", true}, {"", "", true}, {"", "a", false},
		{"a-*", "a-1", true}, {"a-*", "a-", true}, {"a-*", "b-1", false}, {"a-*", "a", false},
		{"*-1", "a-1", true}, {"*-1", "a-12", false}, {"*-1", "-1-1", true},
		{"a*b*c", "abc", true}, {"a*b*c", "axbxbxc", true}, {"a*b*c", "acb", false},
		{"a*a", "a", false}, {"[ab]", "a", false}, {"[ab]", "[ab]", true}, {"**", "x", true},
	} {
		if got := match(test.pattern, test.id); got != test.want {
			t.Errorf("match(%q, %q) = %v", test.pattern, test.id, got)
		}
	}
}

func FuzzConfig(f *testing.F) {
	for _, kind := range Kinds() {
		f.Add(kind, []byte(kinds[kind].example.config))
	}
	f.Fuzz(func(t *testing.T, kind string, config []byte) {
		if w, err := New(kind, config); (w == nil) != (err != nil) {
			t.Errorf("New gave %v and %v", w, err)
		}
	})
}
