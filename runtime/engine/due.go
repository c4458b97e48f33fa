package engine

import "slices"

// dues are the world's observations, under the realtime clock, that are yet to
// be asked. One that comes takes the place of those before it.
type dues struct {
	// past keeps those that others took the place of: a record that is read says
	// only afterwards when its agent was asked.
	past bool
	of   map[string][]due // by agent, the newest last
}

// A due observation was given when there were so many records.
type due struct {
	tick int
	json []byte
}

func newDues(past bool) *dues { return &dues{past: past, of: map[string][]due{}} }

func (d *dues) give(id string, tick int, json []byte) {
	list := d.of[id]
	if !d.past {
		list = list[:0]
	}
	d.of[id] = append(list, due{tick, json})
}

// take gives what an agent observes that is asked at a tick, nil for nothing,
// and forgets it and what is older.
func (d *dues) take(id string, tick int) []byte {
	list := d.of[id]
	n := 0
	for n < len(list) && list[n].tick <= tick {
		n++
	}
	if n == 0 {
		return nil
	}
	json := list[n-1].json
	if n == len(list) {
		delete(d.of, id)
	} else {
		d.of[id] = slices.Delete(list, 0, n)
	}
	return json
}

func (d *dues) has(id string) bool { return len(d.of[id]) > 0 }
