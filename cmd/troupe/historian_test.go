package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A historian is an agent whose every action depends on all that it has ever
// observed, heard and drawn, so that one thing lost or doubled on the way shows
// in the run's hash.
type historian struct {
	sum   [32]byte
	peers []string
	upset func(o agent.Observation)
}

// historians is the program: historian [late | die DIR N].
func historians(args []string) int {
	upset := func(agent.Observation) {}
	if len(args) > 0 {
		upset = upsets[args[0]](args[1:])
	}
	err := agent.ServeOn(os.Stdin, os.Stdout, func(s agent.Start) (agent.Player, error) {
		h := &historian{upset: upset}
		var c struct{ Peers []string }
		err := s.Unmarshal(&c)
		h.peers = c.Peers
		return h, err
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
	text := append(h.sum[:], o.Observation...)
	for _, m := range o.Messages {
		text = fmt.Appendf(text, "%s %s %s", m.From, m.Channel, m.Body)
	}
	for _, r := range o.Results {
		text = append(text, r...)
	}
	h.sum = sha256.Sum256(fmt.Appendf(text, "%d", o.Rand.Uint64()))
	said := hex.EncodeToString(h.sum[:8])
	reply := o.Act(map[string]string{"sum": said}).Send(h.peers[o.Rand.IntN(len(h.peers))], said)
	if o.Rand.IntN(2) == 0 {
		reply = reply.Say("square", said)
	}
	return reply
}
