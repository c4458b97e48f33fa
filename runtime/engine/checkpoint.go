package engine

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/tree"
	"github.com/troupe-dev/troupe/runtime/world"
)

// A Checkpoint is what a run needs beside its log to go on without reading it
// from its start. It stands between two ticks.
type Checkpoint struct {
	Tick int      // the next one
	Hash [32]byte // of the record before it
	// Society is what the records so far say of the agents, as JSON: only this
	// package reads it.
	Society []byte
	// World is the world's state; nil where the world has none to give.
	World []byte
}

// A checkpointer is what a fleet can do beside asking, for runs that may be
// resumed.
type checkpointer interface {
	// Capture keeps the files of the processes that come back by them and that
	// were asked since the last call, as those of a tick that is about to be
	// committed.
	Capture(ctx context.Context, tick int) error
	// Snapshot asks agents that come back by their state for it, before a
	// checkpoint after that tick. One that is busy, or fails to tell, comes back
	// by an older one.
	Snapshot(ctx context.Context, tick int) error
}

// A turnKeeper can do so for one agent, as the realtime clock wants: whoever
// else has answered is not on record yet.
type turnKeeper interface {
	CaptureOf(ctx context.Context, tick int, agent string) error
}

// capture has the files kept that the next record relies on.
func (l *loop) capture(ctx context.Context) error {
	var err error
	if k, ok := l.fleet.(turnKeeper); ok && l.soc.realtime {
		for i := range l.rec.Turns {
			err = k.CaptureOf(ctx, l.rec.Tick, l.rec.Turns[i].Agent)
		}
	} else if l.keeper != nil {
		err = l.keeper.Capture(ctx, l.rec.Tick)
	}
	if err != nil {
		return fmt.Errorf("cannot commit tick %d: %w", l.rec.Tick, err)
	}
	return nil
}

// checkpoint makes one where it is time to. An interruption leaves it out.
func (l *lockstep) checkpoint(ctx context.Context) error {
	every := l.Plan.Checkpoint.Every
	if l.OnCheckpoint == nil || every == 0 || l.soc.tick%every != 0 || l.soc.end != record.NotEnded {
		return nil
	}
	c := &Checkpoint{Tick: l.soc.tick, Hash: l.soc.hash}
	var err error
	if w, ok := l.World.(world.Snapshotter); ok {
		c.World, err = w.Snapshot(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return nil // the loop sees to it
	case err != nil:
		return fmt.Errorf("cannot take a snapshot of world %s before tick %d: %w", worldName(l.Plan), c.Tick, err)
	case c.World == nil && !l.snapshots:
		return nil // all of it is read again from the log's start
	}
	if l.keeper != nil { // also without states to tell: what was captured at a checkpoint stays
		err := l.keeper.Snapshot(ctx, c.Tick-1)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("cannot keep the agents' states before tick %d: %w", c.Tick, err)
		}
	}
	if c.Society, err = l.soc.encode(); err == nil {
		err = l.OnCheckpoint(c)
	}
	if err != nil {
		return fmt.Errorf("cannot write a checkpoint before tick %d: %w", c.Tick, err)
	}
	return nil
}

// snapshots says whether agents of a plan may come back by their state.
func snapshots(p *plan.Plan) bool {
	for i := range p.Entries {
		if p.Entries[i].State == "snapshot" {
			return true
		}
	}
	return false
}

// keptSociety is a society as a checkpoint has it. Members are those of whom
// there is something to say.
type keptSociety struct {
	Tick     int                 `json:"tick"`
	Hash     string              `json:"hash"`
	Timed    int                 `json:"timed,omitempty"`
	USD      agent.USD           `json:"usd,omitempty"`
	Added    []keptAgent         `json:"added,omitempty"`
	Members  []keptMember        `json:"members,omitempty"`
	Spent    map[string]string   `json:"spent,omitempty"`
	Channels map[string][]string `json:"channels,omitempty"`
	Parting  []string            `json:"parting,omitempty"`
	Parcels  []keptParcel        `json:"parcels,omitempty"`
	Outside  []string            `json:"outside,omitempty"`
	Tree     *tree.Kept          `json:"tree,omitempty"`
}

type keptAgent struct {
	ID     string          `json:"id"`
	Config json.RawMessage `json:"config"`
}

type keptMember struct {
	ID         string            `json:"id"`
	Gone       bool              `json:"gone,omitempty"`
	Done       bool              `json:"done,omitempty"`
	Substitute *plan.Substitute  `json:"substitute,omitempty"`
	Since      int               `json:"since,omitempty"` // the tick in which the substitute took over
	Used       *agent.Usage      `json:"used,omitempty"`
	Turns      int32             `json:"turns,omitempty"`
	Score      json.RawMessage   `json:"score,omitempty"`
	Mail       []keptMessage     `json:"mail,omitempty"`
	Results    []json.RawMessage `json:"results,omitempty"`
}

type keptMessage struct {
	From    string          `json:"from"`
	Channel string          `json:"channel,omitempty"`
	Body    json.RawMessage `json:"body"`
}

// encode gives the society as JSON.
func (s *society) encode() ([]byte, error) {
	k := keptSociety{
		Tick: s.tick, Hash: hex.EncodeToString(s.hash[:]), Timed: s.timed, USD: s.usd, Spent: s.spent,
		Channels: make(map[string][]string, len(s.channels)),
	}
	for _, a := range s.agents {
		k.Added = append(k.Added, keptAgent{a.ID, a.Config})
	}
	for i := range s.members {
		if m, something := s.members[i].kept(); something {
			k.Members = append(k.Members, m)
		}
	}
	for name, c := range s.channels {
		ids := make([]string, len(c.members))
		for i, slot := range c.members {
			ids[i] = s.members[slot].id
		}
		k.Channels[name] = ids
	}
	for _, slot := range s.parting {
		k.Parting = append(k.Parting, s.members[slot].id)
	}
	k.Parcels = s.keptParcels()
	k.Outside = slices.Sorted(maps.Keys(s.outside))
	if s.tree != nil {
		k.Tree = s.tree.Keep()
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false) // what agents wrote stays as they wrote it
	if err := enc.Encode(&k); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func (m *member) kept() (k keptMember, something bool) {
	k = keptMember{
		ID: m.id, Gone: !m.alive, Done: m.done, Substitute: m.substitute, Since: m.since, Used: m.used, Turns: m.turns, Score: m.score,
	}
	for _, msg := range m.mail {
		k.Mail = append(k.Mail, keptMessage{msg.From, msg.Channel, msg.Body})
	}
	for _, r := range m.results {
		k.Results = append(k.Results, r)
	}
	something = k.Gone || k.Substitute != nil || k.Used != nil || k.Turns > 0 || k.Score != nil || len(k.Mail)+len(k.Results) > 0
	return k, something
}

// society gives what encode was given.
func (c *Checkpoint) society(p *plan.Plan) (*society, error) {
	s, err := decodeSociety(p, c.Society)
	if err == nil && (s.tick != c.Tick || s.hash != c.Hash) {
		err = errors.New("it is of another tick")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the checkpoint before tick %d: %w", c.Tick, err)
	}
	return s, nil
}

func decodeSociety(p *plan.Plan, text []byte) (*society, error) {
	var k keptSociety
	if err := json.Unmarshal(text, &k); err != nil {
		return nil, err
	}
	s := newSociety(p, k.Tick)
	for _, a := range k.Added {
		if err := s.enter(a.ID, a.Config, func(int) int { return 0 }); err != nil {
			return nil, err
		}
	}
	for i := range k.Members {
		if err := s.resume(&k.Members[i]); err != nil {
			return nil, err
		}
	}
	for name, ids := range k.Channels {
		if c := s.channels[name]; c != nil {
			c.set(s, ids)
		}
	}
	for _, id := range k.Parting {
		slot, known := s.find(id)
		if !known {
			return nil, fmt.Errorf("it names agent %q, which is none", id)
		}
		s.parting = append(s.parting, slot)
	}
	if err := s.takeParcels(k.Parcels); err != nil {
		return nil, err
	}
	for _, name := range k.Outside {
		if s.outside == nil {
			s.outside = map[string]bool{}
		}
		s.outside[name] = true
	}
	if k.Tree != nil && s.plan.Shared != nil {
		s.tree = tree.Restore(s.plan.Shared, k.Tree)
	}
	hash, err := hex.DecodeString(k.Hash)
	if err != nil || len(hash) != len(s.hash) {
		return nil, fmt.Errorf("its hash is %q", k.Hash)
	}
	s.tick, s.hash, s.timed, s.usd, s.spent = k.Tick, [32]byte(hash), k.Timed, k.USD, k.Spent
	s.stepped = k.Tick // only the lockstep makes checkpoints
	return s, nil
}

// resume brings a member to where it was.
func (s *society) resume(k *keptMember) error {
	slot, known := s.find(k.ID)
	if !known {
		return fmt.Errorf("it names agent %q, which is none", k.ID)
	}
	if k.Gone {
		s.kill(slot)
	}
	m := &s.members[slot]
	m.done, m.substitute, m.since, m.used, m.turns, m.score = k.Done, k.Substitute, k.Since, k.Used, k.Turns, k.Score
	if m.substitute != nil {
		m.kind = s.kind(m.substitute.Kind)
	}
	for _, msg := range k.Mail {
		m.mail = append(m.mail, agent.Message{From: msg.From, Channel: msg.Channel, Body: msg.Body})
	}
	for _, r := range k.Results {
		m.results = append(m.results, r)
	}
	return nil
}
