package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
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
	notes bool // it remembers nothing but what it has written down
}

// Snapshot is agent.Keeper's.
func (h *historian) Snapshot() (any, error) { return hex.EncodeToString(h.sum[:]), nil }

// lookUp and writeDown are the memory of one who takes notes: the sum in its
// working directory, and in its home the history of it.
func (h *historian) lookUp(agent string) error {
	text, err := os.ReadFile("sum-" + agent)
	if os.IsNotExist(err) {
		return nil
	}
	copy(h.sum[:], text)
	return err
}

func (h *historian) writeDown(agent string) error {
	f, err := os.OpenFile(filepath.Join(os.Getenv("HOME"), "history-"+agent), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	before, err := io.ReadAll(f)
	if err == nil { // the history is part of what is remembered
		h.sum = sha256.Sum256(append(before, h.sum[:]...))
		_, err = fmt.Fprintf(f, "%x\n", h.sum)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.WriteFile("sum-"+agent, h.sum[:], 0o600)
}

// historians is the program: historian [late | die DIR N | notes].
func historians(args []string) int {
	upset := func(agent.Observation) {}
	notes := len(args) > 0 && args[0] == "notes"
	if len(args) > 0 && !notes {
		upset = upsets[args[0]](args[1:])
	}
	err := agent.ServeOn(os.Stdin, os.Stdout, func(s agent.Start) (agent.Player, error) {
		h := &historian{upset: upset, notes: notes}
		var c struct{ Peers []string }
		err := s.Unmarshal(&c)
		h.peers = c.Peers
		var sum string
		if err == nil {
			err = s.Restore(&sum)
		}
		if was, herr := hex.DecodeString(sum); herr == nil {
			copy(h.sum[:], was)
		}
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
	if h.notes {
		if err := h.lookUp(o.Agent); err != nil {
			return o.Fail(err)
		}
	}
	text := append(h.sum[:], o.Observation...)
	for _, m := range o.Messages {
		text = fmt.Appendf(text, "%s %s %s", m.From, m.Channel, m.Body)
	}
	for _, result := range o.Results {
		text = append(text, result...)
	}
	r := o.Rand
	if h.notes { // what was drawn so far is not written down
		r = rand.New(rand.NewPCG(uint64(h.sum[0]), uint64(o.Tick)))
	}
	h.sum = sha256.Sum256(fmt.Appendf(text, "%d", r.Uint64()))
	if h.notes {
		if err := h.writeDown(o.Agent); err != nil {
			return o.Fail(err)
		}
	}
	said := hex.EncodeToString(h.sum[:8])
	reply := o.Act(map[string]string{"sum": said}).Send(h.peers[r.IntN(len(h.peers))], said)
	if r.IntN(2) == 0 {
		reply = reply.Say("square", said)
	}
	return reply
}
