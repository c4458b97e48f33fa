package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// Genesis is H(0), where the run's hash chain begins: SHA-256 of this JSON,
// compact, keys sorted, strings as encoding/json writes them without escaping
// for HTML, without the last key where there is no world:
//
//	{"agents":[{"config":{…},"id":"a-1"},…],
//	 "channels":{"square":["*"],…},
//	 "protocol":1,
//	 "seed":1980,
//	 "world":{"config":{…},"kind":"matrix-game"}}
//
// Agents are those of the start, by id as bytes; a channel is its patterns as
// the scenario orders them, variables filled; the kind of a world that is a
// process is "process". What drives an agent, where files lie and what the run
// is called are not in it, so that they may change and the hash stay.
func (p *Plan) Genesis() [32]byte {
	h := sha256.New()
	var b bytes.Buffer
	flush := func() {
		_, _ = h.Write(b.Bytes()) // a hash takes everything
		b.Reset()
	}
	b.WriteString(`{"agents":[`)
	for i, a := range p.Agents {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"config":`)
		b.Write(a.Config)
		b.WriteString(`,"id":` + quote(a.ID) + `}`)
		flush()
	}
	b.WriteString(`],"channels":{`)
	for i, c := range p.Channels {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quote(c.Name) + `:[`)
		for j, pattern := range c.Patterns {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(quote(pattern))
		}
		b.WriteByte(']')
		flush()
	}
	fmt.Fprintf(&b, `},"protocol":%d,"seed":%s`, agent.Protocol, strconv.FormatUint(p.Seed, 10))
	if !p.World.None() {
		kind := p.World.Kind
		if p.World.Program != nil {
			kind = "process"
		}
		b.WriteString(`,"world":{"config":`)
		b.Write(p.World.Config)
		b.WriteString(`,"kind":` + quote(kind) + `}`)
	}
	b.WriteByte('}')
	flush()
	return [32]byte(h.Sum(nil))
}

// quote writes a string as JSON. Strings always can be.
func quote(s string) string {
	raw, err := scenarios.JSON(s)
	if err != nil {
		raw = json.RawMessage(strconv.Quote(s))
	}
	return string(raw)
}
