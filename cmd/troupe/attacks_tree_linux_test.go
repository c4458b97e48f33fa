package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"

	"github.com/troupe-dev/troupe/runtime/socket"
)

// Paths of the shared tree of a raid.
const (
	guarded = "guarded/secret" // the victim alone may read it, and write it
	fixed   = "fixed"          // the victim alone may write it
	leased  = "leased"         // the victim holds a lease on it from tick 1 on
	astray  = "astray/secret"  // what it says is written where a checkout goes astray
)

// treeAttacks are those on what agents have in common.
var treeAttacks = []attack{
	{writeTree, "a file", overwrites(ofTree(fixed))},
	{writeTree, "a new file", makes(ofTree("."))},
	{writeTree, "a link in it", func(r *raid) error {
		link := ofTree("link")(r)
		if err := os.Symlink("/etc", link); err != nil {
			return err
		}
		return os.Remove(link)
	}},
	{readTree, "a file", reads(ofTree(guarded))},
	{readTree, "a directory", reads(ofTree(filepath.Dir(guarded)))},
	{ownSocket, "a checkout", asking(ownDoor, socket.Request{Op: "checkout", Agent: "victim", Paths: []string{guarded}})},
	{ownSocket, "a commit", asking(ownDoor, commit("victim", fixed))},
	{ownSocket, "a message", asking(ownDoor, socket.Request{Op: "send", Agent: "victim", To: "victim", Body: []byte(`1`)})},
	{ownSocket, "a lease", asking(ownDoor, socket.Request{Op: "lock", Agent: "victim", Paths: []string{fixed}})},
	{theirSocket, "a checkout", asking(theirDoor, socket.Request{Op: "checkout", Agent: "victim", Paths: []string{guarded}})},
	{theirSocket, "a commit", asking(theirDoor, commit("victim", "by-their-socket"))},
	{theirSocket, "a message", asking(theirDoor, socket.Request{Op: "send", To: "victim", Body: []byte(`1`)})},
	{theirSocket, "a lease", asking(theirDoor, socket.Request{Op: "lock", Paths: []string{"by-their-socket"}})},
	{theirSocket, "from an orphan", func(r *raid) error { return orphaned("socket", theirDoor(r)) }},
	{byCommit, "a path of ..", asking(ownDoor, commit("", "../stolen"))},
	{byCommit, "a path of .. behind a name", asking(ownDoor, commit("", "open/../../stolen"))},
	{byCommit, "an absolute path", asking(ownDoor, commit("", "/etc/stolen"))},
	{byCommit, "the notes of a copy", asking(ownDoor, commit("", ".troupe/notes.json"))},
	{byCopies, "committing a symbolic link", func(r *raid) error {
		if err := os.Symlink(absolute(of("work/secret")(r)), "borrowed"); err != nil {
			return err
		}
		return troupe("commit", "borrowed")
	}},
	{byCopies, "committing through a link to a directory", func(r *raid) error {
		if err := os.Symlink(absolute(of("work")(r)), "passage"); err != nil {
			return err
		}
		return troupe("commit", "passage/secret")
	}},
	{byCopies, "a checkout through a link to a directory", func(r *raid) error {
		if err := os.Symlink(absolute(of("work")(r)), filepath.Dir(astray)); err != nil {
			return err
		}
		return errors.Join(troupe("checkout", astray), os.Remove(filepath.Dir(astray)))
	}},
}

// A pending attack is begun in one tick, and its outcome seen in the next.
type pending struct {
	of, name string
	begin    func(*raid) error
	came     func(*raid) error // an error says that nothing came of it
}

// pendings are, by the tick in which they begin, those that are decided at its
// end.
var pendings = map[int][]pending{
	0: {
		{byCommit, "what it may not write", asking(ownDoor, over(fixed, 0)), tells(fixed)},
		{byCommit, "what it may not read", asking(ownDoor, over(guarded, 0)), tells(guarded)},
		{byCopies, "committing from a directory that becomes a link meanwhile", raceCommit, func(*raid) error {
			if !found("race/calm", own) {
				panic("the raider can commit nothing at all")
			}
			return unless(found("race", secret), errors.New("the tree does not have it"))
		}},
	},
	1: {
		{byCommit, "what another holds a lease on", asking(ownDoor, over(leased, 0)), tells(leased)},
		{byCommit, "under another's fencing token", asking(ownDoor, over(leased, 1)), tells(leased)},
	},
}

func ofTree(name string) func(*raid) string {
	return func(r *raid) string { return filepath.Join(r.run, "shared", name) }
}

func absolute(path string) string {
	full, err := filepath.Abs(path)
	if err != nil {
		panic(err)
	}
	return full
}

func ownDoor(*raid) string     { return os.Getenv(socket.Variable) }
func theirDoor(r *raid) string { return of("socket")(r) }

// stolen is what the raider's commits write.
const stolen = "the raider's"

// commit is one of a file that is not in the tree.
func commit(agent, path string) socket.Request {
	text := stolen
	return socket.Request{Op: "commit", Agent: agent, Files: []socket.Change{{Path: path, Text: &text}}}
}

// over is a commit of a file that the tree began with.
func over(path string, token int) socket.Request {
	c := commit("", path)
	c.Files[0].Base, c.Token = new(int), token
	return c
}

// asking asks at a socket. That nothing is there to be read is an error too.
func asking(door func(*raid) string, q socket.Request) func(*raid) error {
	return func(r *raid) error { return ask(door(r), q) }
}

func ask(door string, q socket.Request) error {
	own := os.Getenv(socket.Variable)
	defer func() { _ = os.Setenv(socket.Variable, own) }()
	if err := os.Setenv(socket.Variable, door); err != nil {
		return err
	}
	c, err := socket.Dial()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	reply, err := c.Ask(&q, func(*socket.Reply) error { return nil })
	if err == nil && len(reply.Missing) > 0 {
		err = fmt.Errorf("the tree has no %s", reply.Missing)
	}
	return err
}

// troupe runs the command that agents have.
func troupe(args ...string) error {
	if out, err := exec.Command("troupe", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// tells looks what became of a commit of a file.
func tells(path string) func(*raid) error {
	return func(r *raid) error {
		for _, text := range r.results {
			var result struct {
				Type, Error string
				Paths       []string
			}
			if err := json.Unmarshal(text, &result); err != nil {
				panic(err)
			}
			if result.Type != "commit" || !slices.Contains(result.Paths, path) {
				continue
			}
			return unless(result.Error == "", errors.New(result.Error))
		}
		panic("the raider is told nothing of its commit of " + path)
	}
}

// unless is nil where there is what was looked for.
func unless(there bool, err error) error {
	if there {
		return nil
	}
	return err
}

// found says whether the tree has a text at a path or below.
func found(path, text string) (there bool) {
	c, err := socket.Dial()
	if err != nil {
		panic(err)
	}
	defer func() { _ = c.Close() }()
	_, err = c.Ask(&socket.Request{Op: "checkout", Paths: []string{path}}, func(m *socket.Reply) error {
		there = there || string(m.File.Bytes()) == text
		return nil
	})
	if err != nil {
		panic(err)
	}
	return there
}

// own is what the raider has in its own files.
const own = "the raider's own"

// raceCommit commits files of directories that become links to the victim's and
// back all the while, and one that is left alone.
func raceCommit(r *raid) error {
	victims := absolute(of("work")(r))
	for _, name := range []string{"1", "2", "3", "calm"} {
		dir := "race/" + name
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(dir+"/secret", []byte(own), 0o600); err != nil {
			return err
		}
		if name == "calm" {
			return troupe("commit", dir+"/secret")
		}
		stop := alternate(dir, victims)
		_ = troupe("commit", dir+"/secret") // of the link, it is refused
		stop()
	}
	return nil
}

// alternate has a path be a directory and a link to another by turns, until stop.
func alternate(dir, target string) (stop func()) {
	var wg sync.WaitGroup
	over := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
			}
			_ = os.Rename(dir, dir+".aside")
			_ = os.Symlink(target, dir)
			_ = os.Remove(dir)
			_ = os.Rename(dir+".aside", dir)
		}
	})
	return func() {
		close(over)
		wg.Wait()
	}
}
