package tree

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

type open struct{ shut map[string]bool } // what nobody may write

func (open) MayRead(string, string) bool    { return true }
func (o open) MayWrite(_, path string) bool { return !o.shut[path] }
func text(path string, base int, s string) Change {
	return Change{Path: path, Base: base, Content: []byte(s)}
}

func start() *Tree {
	return New(open{map[string]bool{"law.txt": true}}, []File{
		{Path: "board.md", Hash: Hash([]byte("b"))}, {Path: "law.txt"}, {Path: "town/a.md"}, {Path: "town/b.md"},
	})
}

func TestCommit(t *testing.T) {
	for _, c := range []struct {
		name    string
		changes []Change
		want    string // in the error; empty for none
	}{
		{"a change", []Change{text("board.md", 0, "x")}, ""},
		{"several", []Change{text("town/b.md", 0, "x"), text("board.md", 0, "x"), {Path: "town/a.md", Base: 0, Delete: true}}, ""},
		{"a new file", []Change{text("new/dir/file", None, "x")}, ""},
		{"a file that is there", []Change{text("board.md", None, "x")}, "there was no such file"},
		{"a version that never was", []Change{text("board.md", 3, "x")}, "board.md moved: the change is of version 3, and it is the template's"},
		{"one of two moved", []Change{text("board.md", 0, "x"), text("town/a.md", 1, "x")}, "town/a.md moved"},
		{"what may not be written", []Change{text("law.txt", 0, "x")}, "law.txt may not be written by ann"},
		{"nothing", nil, "empty"},
		{"twice the same", []Change{text("a", None, "x"), text("a", None, "y")}, "twice"},
		{"a file where a directory is", []Change{text("town", None, "x")}, "it is a directory"},
		{"a file that takes a directory's place", []Change{text("town", None, "x"), {Path: "town/a.md", Base: 0, Delete: true}, {Path: "town/b.md", Base: 0, Delete: true}}, ""},
		{"a file below a file", []Change{text("board.md/x", None, "x")}, "board.md is a file"},
		{"out of the tree", []Change{text("../x", None, "x")}, "is empty, or . or .. itself"},
		{"an absolute path", []Change{text("/etc/passwd", None, "x")}, "not relative"},
		{"the notes", []Change{text("town/.troupe/x", None, "x")}, ".troupe"},
		{"a line break", []Change{text("a\nb", None, "x")}, "characters"},
		{"too much", []Change{text("a", None, strings.Repeat("x", MaxContent+1))}, "bytes"},
	} {
		before := start()
		d := before.Draft(5)
		_, err := d.Commit("ann", 1, "", c.changes, 0)
		if got := fmt.Sprint(err); (err == nil) != (c.want == "") || c.want != "" && !strings.Contains(got, c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
		if err != nil && d.Tree() != before {
			t.Errorf("%s: a refused change set changed the tree", c.name)
		}
	}
}

// A version that somebody else made in the meantime is told with its author.
func TestCommitMoved(t *testing.T) {
	d := start().Draft(5)
	must(t, d, "ann", text("board.md", 0, "ann's"))
	must(t, d, "ann", text("board.md", 0, "ann's again")) // who knows no better in the same tick
	_, err := d.Commit("bob", 1, "", []Change{text("board.md", 0, "bob's")}, 0)
	var moved *MovedError
	if !errors.As(err, &moved) || moved.Now.By != "ann" || moved.Now.Version != 2 {
		t.Fatalf("got %v", err)
	}
	if want := "ann committed version 2 at tick 5"; !strings.Contains(err.Error(), want) {
		t.Errorf("got %q, want %q in it", err, want)
	}
	next := d.Tree().Draft(6)
	if _, err := next.Commit("ann", 1, "", []Change{text("board.md", 0, "late")}, 0); !errors.As(err, &moved) {
		t.Errorf("in the next tick its own change is one of version 2: got %v", err)
	}
	must(t, next, "bob", Change{Path: "board.md", Base: 2, Delete: true})
	must(t, next, "bob", text("board.md", 2, "again")) // it had it at the tick's start
	if _, err := next.Commit("eve", 1, "", []Change{text("board.md", None, "x")}, 0); !errors.As(err, &moved) {
		t.Errorf("got %v", err)
	}
}

func must(t *testing.T, d *Draft, author string, changes ...Change) {
	t.Helper()
	if _, err := d.Commit(author, 1, "", changes, 0); err != nil {
		t.Fatal(err)
	}
}

func TestLeases(t *testing.T) {
	d := start().Draft(0)
	lock := func(agent string, ttl int, paths ...string) *Step {
		t.Helper()
		s, err := d.Lock(agent, 1, paths, ttl)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := lock("ann", 0, "town"); s.What != Granted || s.Token != 1 {
		t.Errorf("got %+v", s)
	}
	if s := lock("bob", 2, "town/a.md"); s.What != Waits {
		t.Errorf("got %+v", s)
	}
	if s := lock("eve", 0, "town/a.md", "board.md"); s.What != Waits {
		t.Errorf("a lease that has to wait for one of its paths got %+v", s)
	}
	if s := lock("joe", 0, "board.md"); s.What != Waits {
		t.Errorf("who came later overtook: %+v", s)
	}
	for _, c := range []struct {
		agent, path string
		token       int
		want        string
	}{
		{"bob", "town/new", 0, "leased by ann (token 1)"},
		{"bob", "town", 0, "leased by ann"},
		{"ann", "board.md", 1, "not under the lease"},
		{"ann", "town/new", 2, "has ended"},
		{"bob", "town/new", 1, "has ended"},
		{"ann", "town/new", 1, ""},
		{"ann", "town/newer", 0, ""},
	} {
		_, err := d.Commit(c.agent, 1, "", []Change{text(c.path, None, "x")}, c.token)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s under %d in %s: got %v, want %q", c.agent, c.token, c.path, err, c.want)
		}
	}
	for _, c := range []struct{ agent, path, want string }{
		{"ann", "board.md", "comes before"},
		{"ann", "town/a.md", "own agent already"},
		{"bob", "zoo", "one at a time"},
		{"joe", "law.txt", "may not be written"},
	} {
		if _, err := d.Lock(c.agent, 1, []string{c.path}, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s asks for %s: got %v, want %q", c.agent, c.path, err, c.want)
		}
	}
	if err := d.Unlock("ann", 1, nil); err != nil {
		t.Fatal(err)
	}
	granted := d.Grant()
	if len(granted) != 1 || granted[0].Agent != "bob" || granted[0].Token != 2 {
		t.Fatalf("got %+v", granted)
	}
	// A lease of two ticks counts in the two that follow.
	for tick := 1; tick <= 2; tick++ {
		d = d.Tree().Draft(tick)
		if len(d.Tree().Leases("bob")) != 1 {
			t.Errorf("the lease is over in tick %d", tick)
		}
		d.Expire()
	}
	d.Grant()
	if held := d.Tree().Leases(""); len(held) != 1 || held[0].Agent != "eve" {
		t.Errorf("got %+v", held)
	}
	d.Leave("eve", "done")
	d.Grant()
	if held := d.Tree().Leases(""); len(held) != 1 || held[0].Agent != "joe" || held[0].Token != 4 {
		t.Errorf("got %+v", held)
	}
}

// Whatever is asked for in whatever order, whoever holds something can be let
// go on in the end, and the tree of the record is the tree of the draft.
func TestLeasesNeverDeadlock(t *testing.T) {
	paths := []string{"a", "a/a", "a/b", "a/b/c", "ab", "b", "b/a", "c"}
	agents := []string{"p", "q", "r", "s", "t"}
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		now := New(open{}, nil)
		for tick := range 40 {
			d := now.Draft(tick)
			agent := agents[random.IntN(len(agents))]
			if random.IntN(4) == 0 && len(now.Waiting(agent)) == 0 {
				_ = d.Unlock(agent, 1, nil)
			} else {
				want := []string{paths[random.IntN(len(paths))], paths[random.IntN(len(paths))]}
				_, _ = d.Lock(agent, 1, want[:1+random.IntN(2)], 0)
			}
			d.Grant()
			now = check(t, now, d, tick)
		}
		// Those who do not wait unlock: then all get what they want.
		for tick := 100; len(now.Leases(""))+len(now.Waiting("")) > 0; tick++ {
			d := now.Draft(tick)
			idle := slices.DeleteFunc(now.Leases(""), func(l Lease) bool { return len(now.Waiting(l.Agent)) > 0 })
			if len(idle) == 0 {
				t.Fatalf("seed %d: all wait for each other: %+v hold, %+v wait", seed, now.Leases(""), now.Waiting(""))
			}
			d.Leave(idle[0].Agent, "it is through")
			d.Grant()
			now = check(t, now, d, tick)
		}
	}
}

func check(t *testing.T, before *Tree, d *Draft, tick int) *Tree {
	t.Helper()
	now := before.Apply(tick, d.Commits, d.Steps)
	if got, want := fmt.Sprintf("%+v", now.Keep()), fmt.Sprintf("%+v", d.Tree().Keep()); got != want {
		t.Fatalf("the record gives\n%s\nand the draft\n%s", got, want)
	}
	again := Restore(open{}, now.Keep())
	if got, want := fmt.Sprintf("%+v", again.Keep()), fmt.Sprintf("%+v", now.Keep()); got != want {
		t.Fatalf("a checkpoint gives\n%s\nand had\n%s", got, want)
	}
	for i, x := range now.Leases("") {
		for _, y := range now.Leases("")[:i] {
			if x.Agent != y.Agent && slices.ContainsFunc(x.Paths, y.overlaps) {
				t.Fatalf("two hold the same: %+v and %+v", x, y)
			}
			if y.Token >= x.Token {
				t.Fatalf("tokens do not ascend: %+v and %+v", y, x)
			}
		}
	}
	return now
}
