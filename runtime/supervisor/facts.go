package supervisor

// Facts gives what happened since the last call.
func (f *Fleet) Facts() []Fact {
	f.mu.Lock()
	defer f.mu.Unlock()
	facts := f.facts
	f.facts = nil
	f.epoch.Add(1)
	return facts
}

// Usages gives what models were used for since the last call.
func (f *Fleet) Usages() []Usage {
	f.mu.Lock()
	defer f.mu.Unlock()
	usages := f.usages
	f.usages = nil
	for _, s := range f.billed { // no answer took it along
		if u, any := s.Bill.take(); any {
			_, attempt := s.Bill.Turn()
			usages = append(usages, Usage{Agent: s.Agents[0].Agent, Attempt: max(attempt, 1), Usage: u})
		}
	}
	return usages
}

func (f *Fleet) used(u Usage) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.usages = append(f.usages, u)
}

// fact notes something and says in which epoch.
func (f *Fleet) fact(x Fact) (epoch int64) {
	if f.opts.Realtime {
		defer f.Wake()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.facts = append(f.facts, x)
	return f.epoch.Load()
}

// Barred takes down, in a process's log and as a fact, what the process asked for
// and may not have. It may be called by any goroutine.
func (f *Fleet) Barred(process, what string) {
	for _, d := range f.all() {
		if l, ok := d.(interface{ logOf() (*Spec, *logFile) }); ok {
			if spec, log := l.logOf(); spec.ID == process {
				log.line("troupe: ", []byte(what))
				f.fact(Fact{Agent: spec.Name(), Kind: "barred", Tick: int(f.lastTick.Load()) + 1, Detail: what})
				return
			}
		}
	}
}

func (p *resident) logOf() (*Spec, *logFile) { return &p.spec, p.log }
func (t *turns) logOf() (*Spec, *logFile)    { return &t.spec, t.log }
