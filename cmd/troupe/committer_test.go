package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/runtime/socket"
)

// committer TOTAL is an agent that counts up in eight files of the shared tree,
// without a lease, under one, and under one that has ended, until the tree is at
// a version. It logs what was acknowledged, and BROKEN where a wall has a hole.
func committer(args []string) int {
	total, _ := strconv.Atoi(strings.Join(args, ""))
	lines := bufio.NewReader(os.Stdin)
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return 0
		}
		var line struct {
			Type, Agent string
			Tick        int
		}
		if err := json.Unmarshal(text, &line); err != nil {
			return 1
		}
		switch line.Type {
		case "init":
			fmt.Printf("{\"type\":\"ready\",\"agent\":%q}\n", line.Agent)
		case "observe":
			if err := countTo(total); err != nil {
				fmt.Fprintln(os.Stderr, "BROKEN:", err)
			}
			fmt.Printf("{\"type\":\"act\",\"agent\":%q,\"tick\":%d,\"action\":null}\n", line.Agent, line.Tick)
		}
	}
}

func countTo(total int) error {
	c, err := socket.Dial()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for n := 0; ; n++ {
		path := fmt.Sprintf("p%d", rand.IntN(8))
		way := countOptimistic
		switch rand.IntN(20) {
		case 0:
			way = countLate
		case 1, 2, 3, 4, 5:
			way = countLeased
		}
		version, err := way(c, path, total)
		switch {
		case errors.Is(err, errEnough):
			return nil
		case err != nil && strings.Contains(err.Error(), "it is not on record"):
			// It is told its past again, and draws anew what it does.
		case err != nil:
			return err
		case version > 0:
			fmt.Fprintln(os.Stderr, "acknowledged", path, version)
		}
	}
}

var errEnough = errors.New("the tree has versions enough")

// countStep adds one to a file that was read before, under a lease or none.
func countStep(c *socket.Client, path string, total, token int) (version int, moved bool, err error) {
	var base *int
	number := 0
	end, err := c.Ask(&socket.Request{Op: "checkout", Paths: []string{path}}, func(r *socket.Reply) error {
		if r.File != nil {
			base = &r.File.Version
			number, err = strconv.Atoi(strings.TrimSpace(string(r.File.Bytes())))
		}
		return err
	})
	if err != nil {
		return 0, false, err
	}
	if *end.Version >= total {
		return 0, false, errEnough
	}
	text := fmt.Sprintf("%d\n", number+1)
	reply, err := c.Ask(&socket.Request{Op: "commit", Token: token, Files: []socket.Change{{Path: path, Base: base, Text: &text}}}, nil)
	if err != nil {
		return 0, reply != nil && reply.Moved != nil, err
	}
	return *reply.Version, false, nil
}

// countOptimistic has others come before it.
func countOptimistic(c *socket.Client, path string, total int) (int, error) {
	version, moved, err := countStep(c, path, total, 0)
	if moved || err != nil && strings.Contains(err.Error(), "is leased by") {
		return 0, nil
	}
	return version, err
}

// leaseSeconds is how long a lease lasts: those that are stopped while they have
// one find it gone.
const leaseSeconds = 1

// countLeased has nobody come before it.
func countLeased(_ *socket.Client, path string, total int) (int, error) {
	holder, err := socket.Dial()
	if err != nil {
		return 0, err
	}
	defer func() { _ = holder.Close() }()
	reply, err := holder.Ask(&socket.Request{Op: "lock", Paths: []string{path}, Seconds: leaseSeconds, Hold: true}, nil)
	if err != nil {
		return 0, err
	}
	version, _, err := countStep(holder, path, total, reply.Token)
	if err == nil {
		_, err = holder.Ask(&socket.Request{Op: "unlock", Paths: []string{path}}, nil)
	}
	if err != nil && (strings.Contains(err.Error(), "has ended") || strings.Contains(err.Error(), "no such lease")) {
		return version, nil // it was stopped for longer than the lease lasts
	}
	return version, err
}

// countLate comes when its lease has ended.
func countLate(c *socket.Client, path string, total int) (int, error) {
	reply, err := c.Ask(&socket.Request{Op: "lock", Paths: []string{path}}, nil)
	if err != nil {
		return 0, err
	}
	if _, err := c.Ask(&socket.Request{Op: "unlock", Paths: []string{path}}, nil); err != nil {
		return 0, err
	}
	version, _, err := countStep(c, path, total, reply.Token)
	switch {
	case errors.Is(err, errEnough):
		return 0, err
	case err == nil:
		return 0, fmt.Errorf("version %d of %s was committed under token %d, whose lease had ended", version, path, reply.Token)
	case !strings.Contains(err.Error(), "has ended"):
		return 0, err
	}
	return 0, nil
}
