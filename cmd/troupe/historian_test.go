package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/agent/bots"
)

// A historian is the bot of that name, to which things happen.
type historian struct {
	agent.Player
	upset func(o agent.Observation)
}

// historians is the program: historian [late | die DIR N].
func historians(args []string) int {
	upset := func(agent.Observation) {}
	if len(args) > 0 {
		upset = upsets[args[0]](args[1:])
	}
	err := agent.ServeOn(os.Stdin, os.Stdout, func(s agent.Start) (agent.Player, error) {
		p, err := bots.New("historian", s)
		return &historian{p, upset}, err
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// upsets are what may happen to a historian; none of it may show in the hash.
var upsets = map[string]func(args []string) func(o agent.Observation){
	"late": func([]string) func(agent.Observation) {
		return func(agent.Observation) { time.Sleep(rand.N(3 * time.Millisecond)) }
	},
	// die DIR N: of every few observations one is the death of the process, N in
	// all. DIR remembers which, so that each is so only once.
	"die": func(args []string) func(agent.Observation) {
		return func(o agent.Observation) {
			name := filepath.Join(args[0], fmt.Sprintf("%s-%d", o.Agent, o.Tick))
			most, _ := strconv.Atoi(args[1])
			if so, err := os.ReadDir(args[0]); rand.N(12) > 0 || err != nil || len(so) >= most {
				return
			}
			if f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL, 0o600); err == nil {
				_ = f.Close()
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}
	},
}

func (h *historian) Play(o agent.Observation) agent.Reply {
	h.upset(o)
	return h.Player.Play(o)
}
