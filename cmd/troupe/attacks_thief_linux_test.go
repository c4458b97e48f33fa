package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// thief has the runtime keep copies of its directory while what is in there is
// exchanged all the time with links to the victim's; then it dies, is given its
// files back, and looks what they hold. Its state is none.
func thief() int {
	before := false // it was asked in tick 0
	return converse(func(o told) {
		switch {
		case o.Tick == 0:
			before = true
			if err := errors.Join(pass(gatePort(), "thief"), lure()); err != nil {
				panic(err)
			}
		case o.Tick == 1 && before:
			os.Exit(3)
		case o.Tick == 1:
			r := &raid{}
			r.tell(byCopies, "what is kept of its directory", loot())
			fmt.Fprintf(os.Stderr, "over\t%d\n", r.tries)
		}
		act(o, `{"say":"I have taken nothing"}`)
	})
}

// lure lays out what is to be kept.
func lure() error {
	victims := absolute("../../victim/work")
	for _, dir := range []string{"a", "b"} {
		if err := os.MkdirAll(filepath.Join("lure", dir), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join("lure", dir, "secret"), []byte("mine"), 0o600); err != nil {
			return err
		}
	}
	alternate("lure/a", victims)                  // until it dies
	alternate("lure/b/secret", victims+"/secret") // the same
	return nil
}

// loot looks for the victim's secret among its own files.
func loot() error {
	there := false
	err := filepath.WalkDir("lure", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		there = there || string(text) == secret
		return err
	})
	if err != nil {
		panic(err) // nothing was kept
	}
	return unless(there, errors.New("it is not among what came back"))
}
