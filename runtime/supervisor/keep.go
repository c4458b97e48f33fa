package supervisor

import "time"

// slowAnswer is how long an answer takes beside which it costs nothing to look
// whether the process should be kept on its core any longer.
const slowAnswer = 100 * time.Millisecond

// loosen gives a process all cores back that was kept on one, if it has started
// threads since: they would take turns there. mu is held.
func (p *resident) loosen() {
	if c := p.child; c != nil && c.kept && p.home.release(c.pid) {
		c.kept = false
	}
}
