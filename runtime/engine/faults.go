package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
)

// drawn says whether a fault of the plan comes about, this once: for an agent
// in a tick, or for the message at a position of what it sends in it. It is a
// matter of the seed, these, the fault's kind and its place among those of its
// kind: whatever else is drawn before it, and whatever other faults there are.
func drawn(p *plan.Plan, fault, tick int, id string, position int) bool {
	f := &p.Faults[fault]
	if f.P >= 1 {
		return true
	}
	place := 0
	for i := range fault {
		if p.Faults[i].Kind == f.Kind {
			place++
		}
	}
	b := strconv.AppendUint(make([]byte, 0, 128), p.Seed, 10)
	b = append(append(append(b, 0), f.Kind...), 0)
	b = append(strconv.AppendInt(b, int64(place), 10), 0)
	b = append(strconv.AppendInt(b, int64(tick), 10), 0)
	b = append(append(b, id...), 0)
	b = strconv.AppendInt(b, int64(position), 10)
	sum := sha256.Sum256(b)
	return float64(binary.BigEndian.Uint64(sum[:8])>>11)/(1<<53) < f.P
}

// mishaps are the faults of messages: what each makes of one that it hits.
var mishaps = map[string]func(f *record.Fate, x *plan.Fault){
	plan.FaultDrop:  func(f *record.Fate, _ *plan.Fault) { f.Copies = 0 },
	plan.FaultDelay: func(f *record.Fate, x *plan.Fault) { f.Delay += x.Ticks },
	plan.FaultDuplicate: func(f *record.Fate, _ *plan.Fault) {
		if f.Copies > 0 {
			f.Copies++
		}
	},
}

// A net decides what becomes of the messages of one tick between sender and
// recipient. Nobody else draws for them: whoever delivers goes by the record.
type net struct {
	soc    *society
	faults []int // of messages, in force, as indices
	rifts  []rift
	cut    []bool // by rift: it has kept a message from somebody
}

// A rift is a partition with the group of each member, -1 for none.
type rift struct {
	groups [][]string
	of     []int // by slot
}

// newNet is nil where no fault is in force.
func (s *society) newNet() *net {
	n := &net{soc: s}
	for i := range s.plan.Faults {
		switch f := &s.plan.Faults[i]; {
		case !f.In(s.tick):
		case f.Kind == plan.FaultPartition:
			n.rifts = append(n.rifts, s.rift(f.Groups))
		case mishaps[f.Kind] != nil:
			n.faults = append(n.faults, i)
		}
	}
	if len(n.faults)+len(n.rifts) == 0 {
		return nil
	}
	n.cut = make([]bool, len(n.rifts))
	return n
}

// carry decides the fate of a message that could be delivered. Nothing befalls one
// that goes outside.
func (n *net) carry(m *record.Message, from int32, position int) {
	if n == nil {
		return
	}
	if _, known := n.soc.find(m.To); m.To != "" && !known {
		return
	}
	fate := record.Fate{Copies: 1}
	for _, i := range n.faults {
		f := &n.soc.plan.Faults[i]
		if f.Traffic.Covers(m.From, m.To, m.Channel) && drawn(n.soc.plan, i, n.soc.tick, m.From, position) {
			mishaps[f.Kind](&fate, f)
		}
	}
	if fate.Copies == 0 {
		fate.Delay = 0
	} else {
		fate.Cut = n.parted(m, from)
	}
	if fate != (record.Fate{Copies: 1}) {
		m.Fate = &fate
	}
}

// parted counts the recipients that partitions keep a message from.
func (n *net) parted(m *record.Message, from int32) (cut int) {
	if len(n.rifts) == 0 {
		return 0
	}
	for _, to := range n.soc.recipients(m, from) {
		kept := false
		for i := range n.rifts {
			if n.rifts[i].between(from, to) {
				kept, n.cut[i] = true, true
			}
		}
		if kept {
			cut++
		}
	}
	return cut
}

// partitions are those that have kept a message from somebody.
func (n *net) partitions() (list []record.Partition) {
	if n == nil {
		return nil
	}
	for i, cut := range n.cut {
		if cut {
			list = append(list, record.Partition{Groups: n.rifts[i].groups})
		}
	}
	return list
}

func (s *society) rift(groups [][]string) rift {
	r := rift{groups: groups, of: make([]int, len(s.members))}
	for i := range s.members {
		r.of[i] = plan.GroupOf(groups, s.members[i].id)
	}
	return r
}

func (r *rift) between(a, b int32) bool {
	return r.of[a] >= 0 && r.of[b] >= 0 && r.of[a] != r.of[b]
}

// recipients are the members that a message goes to.
func (s *society) recipients(m *record.Message, from int32) []int32 {
	if m.To != "" {
		return []int32{s.slots[m.To]}
	}
	return slices.DeleteFunc(slices.Clone(s.channels[m.Channel].members), func(slot int32) bool { return slot == from })
}

// A parcel is a message that is on its way for some ticks.
type parcel struct {
	due     int // with the mail of this tick
	to      []int32
	copies  int
	message agent.Message
}

// misdeliver delivers a message as the record of its tick says.
func (s *society) misdeliver(rec *record.Record, m *record.Message, from int32, msg agent.Message, rifts []rift) {
	p := parcel{due: rec.Tick + m.Fate.Delay, to: s.recipients(m, from), copies: m.Fate.Copies, message: msg}
	p.to = slices.DeleteFunc(p.to, func(to int32) bool {
		return !s.keeps(to) || slices.ContainsFunc(rifts, func(r rift) bool { return r.between(from, to) })
	})
	switch {
	case p.copies == 0 || len(p.to) == 0:
	case m.Fate.Delay == 0:
		s.unpack(&p)
	default:
		p.message.Body = bytes.Clone(msg.Body)
		s.parcels = append(s.parcels, p)
	}
}

// arrive puts what was delayed until this tick into the boxes, in the order in
// which it was sent, before the mail of the tick itself.
func (s *society) arrive(tick int) {
	if len(s.parcels) == 0 {
		return
	}
	s.parcels = slices.DeleteFunc(s.parcels, func(p parcel) bool {
		if p.due == tick {
			s.unpack(&p)
		}
		return p.due == tick
	})
}

// keptParcel is a parcel as a checkpoint has it.
type keptParcel struct {
	keptMessage
	Due    int      `json:"due"`
	To     []string `json:"to"`
	Copies int      `json:"copies"`
}

func (s *society) keptParcels() (list []keptParcel) {
	for i := range s.parcels {
		p := &s.parcels[i]
		k := keptParcel{keptMessage{p.message.From, p.message.Channel, p.message.Body}, p.due, make([]string, len(p.to)), p.copies}
		for j, to := range p.to {
			k.To[j] = s.members[to].id
		}
		list = append(list, k)
	}
	return list
}

func (s *society) takeParcels(list []keptParcel) error {
	for i := range list {
		k := &list[i]
		p := parcel{due: k.Due, to: make([]int32, len(k.To)), copies: k.Copies, message: agent.Message{From: k.From, Channel: k.Channel, Body: k.Body}}
		for j, id := range k.To {
			slot, known := s.find(id)
			if !known {
				return fmt.Errorf("it names agent %q, which is none", id)
			}
			p.to[j] = slot
		}
		s.parcels = append(s.parcels, p)
	}
	return nil
}

func (s *society) unpack(p *parcel) {
	for range p.copies {
		for _, to := range p.to {
			if s.members[to].alive {
				s.post(to, p.message)
			}
		}
	}
}
