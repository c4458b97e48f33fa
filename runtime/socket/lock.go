package socket

import "slices"

// Lock asks for a lease on paths. What the copy knows of leases on them that
// have ended is forgotten.
func (w *Copy) Lock(paths []string, ttl int) (*Reply, error) {
	reply, err := w.client.Ask(&Request{Op: "lock", Agent: w.Agent, Paths: paths, TTL: float64(ttl)}, nil)
	if err == nil {
		w.forget(paths)
	}
	return reply, err
}

// Unlock ends leases that have one of the paths, or all of the agent's.
func (w *Copy) Unlock(paths []string) (*Reply, error) {
	reply, err := w.client.Ask(&Request{Op: "unlock", Agent: w.Agent, Paths: paths}, nil)
	if err == nil {
		w.forget(paths)
	}
	return reply, err
}

func (w *Copy) forget(paths []string) {
	for token, leased := range w.notes.Leases {
		if len(paths) == 0 || slices.ContainsFunc(paths, func(p string) bool {
			return under(p, leased) || slices.ContainsFunc(leased, func(l string) bool { return under(l, []string{p}) })
		}) {
			delete(w.notes.Leases, token)
		}
	}
}
