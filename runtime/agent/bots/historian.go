package bots

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A historian is an agent whose every action depends on all that it has ever
// observed, heard and drawn, so that one thing lost or doubled on the way shows
// in the run's hash. It tells one of the peers in its config, and now and then
// the channel square. With notes in its config it keeps nothing in mind: what it
// goes by is in its files.
type historian struct {
	sum   [32]byte
	peers []string
	notes bool
}

func newHistorian(s agent.Start) (agent.Player, error) {
	var c struct {
		Peers []string
		Notes bool
	}
	err := s.Unmarshal(&c)
	h := &historian{peers: c.Peers, notes: c.Notes}
	var sum string
	if err == nil {
		err = s.Restore(&sum)
	}
	if err == nil && sum != "" {
		err = h.recall(sum)
	}
	return h, err
}

func (h *historian) recall(sum string) error {
	was, err := hex.DecodeString(sum)
	if err != nil || len(was) != len(h.sum) {
		return fmt.Errorf("cannot go on from %q: it is no sum", sum)
	}
	copy(h.sum[:], was)
	return nil
}

// Snapshot implements agent.Keeper.
func (h *historian) Snapshot() (any, error) { return hex.EncodeToString(h.sum[:]), nil }

// lookUp reads the notes that an agent made last: the sum in its workspace.
func (h *historian) lookUp(agent string) error {
	text, err := os.ReadFile("sum-" + agent)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = h.recall(string(text))
	}
	return err
}

// writeDown makes notes: in its home the history of all sums, which the next one
// depends on, and in its workspace the newest.
func (h *historian) writeDown(agent string) error {
	path := filepath.Join(os.Getenv("HOME"), "history-"+agent)
	before, err := os.ReadFile(path) //nolint:gosec // its own
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	h.sum = sha256.Sum256(append(before, h.sum[:]...))
	err = os.WriteFile(path, fmt.Appendf(before, "%x\n", h.sum), 0o600) //nolint:gosec // the same
	if err != nil {
		return err
	}
	return os.WriteFile("sum-"+agent, fmt.Appendf(nil, "%x", h.sum), 0o600)
}

func (h *historian) Play(o agent.Observation) agent.Reply {
	r := o.Rand
	if h.notes {
		if err := h.lookUp(o.Agent); err != nil {
			return o.Fail(err)
		}
		// What was drawn so far is nowhere written down.
		r = rand.New(rand.NewPCG(binary.LittleEndian.Uint64(h.sum[:]), uint64(o.Tick)))
	}
	text := append(h.sum[:], o.Observation...)
	for _, m := range o.Messages {
		text = fmt.Appendf(text, "%s %s %s", m.From, m.Channel, m.Body)
	}
	for _, result := range o.Results {
		text = append(text, result...)
	}
	h.sum = sha256.Sum256(fmt.Appendf(text, "%d", r.Uint64()))
	if h.notes {
		if err := h.writeDown(o.Agent); err != nil {
			return o.Fail(err)
		}
	}
	said := hex.EncodeToString(h.sum[:8])
	reply := o.Act(map[string]string{"sum": said})
	if len(h.peers) > 0 {
		reply = reply.Send(h.peers[r.IntN(len(h.peers))], said)
	}
	if r.IntN(2) == 0 {
		reply = reply.Say("square", said)
	}
	return reply
}
