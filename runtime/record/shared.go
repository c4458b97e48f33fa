package record

import "github.com/troupe-dev/troupe/runtime/tree"

// Conflicts is the fact that so many commits of an agent, its detail, were refused
// since the record before: somebody else came first. It is of the realtime clock,
// where what is refused is not on record otherwise.
const Conflicts = "conflicts"

const (
	flagDeleted = 1 // of a file
	flagExec    = 2
)

// appendShared appends nothing where nothing came about in the shared tree.
func appendShared(dst []byte, r *Record) []byte {
	if len(r.Commits)+len(r.Leases) == 0 {
		return dst
	}
	dst = appendCount(dst, len(r.Commits))
	for i := range r.Commits {
		c := &r.Commits[i]
		dst = appendBytes(appendCount(dst, c.Number), c.Author)
		dst = appendBytes(appendCount(dst, c.Position), c.Message)
		dst = appendCount(dst, len(c.Changes))
		for j := range c.Changes {
			x := &c.Changes[j]
			var flags byte
			if x.Delete {
				flags |= flagDeleted
			}
			if x.Exec {
				flags |= flagExec
			}
			dst = appendBytes(append(appendBytes(dst, x.Path), flags), x.Content)
		}
	}
	dst = appendCount(dst, len(r.Leases))
	for i := range r.Leases {
		s := &r.Leases[i]
		dst = appendCount(appendBytes(dst, s.Agent), s.Position)
		dst = appendBytes(dst, s.What)
		for _, n := range []int{s.Ticket, s.Token, s.TTL} {
			dst = appendCount(dst, n)
		}
		dst = appendBytes(appendNames(dst, s.Paths), s.Why)
	}
	return dst
}

// shared decodes what came about in the shared tree, which is something where
// it is there.
func (d *decoder) shared(r *Record) {
	r.Commits = list(d, 5, func(c *tree.Commit) {
		c.Number, c.Author = d.natural(), d.name()
		c.Position, c.Message = d.natural(), string(d.bytes())
		c.Changes = list(d, 3, func(x *tree.Change) {
			x.Path = d.name()
			flags := d.flags(flagDeleted | flagExec)
			x.Delete, x.Exec = flags&flagDeleted != 0, flags&flagExec != 0
			x.Content = d.bytes()
		})
	})
	r.Leases = list(d, 8, func(s *tree.Step) {
		s.Agent, s.Position, s.What = d.name(), d.natural(), d.name()
		s.Ticket, s.Token, s.TTL = d.natural(), d.natural(), d.natural()
		s.Paths = list(d, 1, func(p *string) { *p = d.name() })
		s.Why = d.name()
	})
	if len(r.Commits)+len(r.Leases) == 0 {
		d.fail("nothing in the shared tree where something is announced")
	}
}

// commitItem is one commit to compare, content and all.
func commitItem(c *tree.Commit) item {
	l := line{dst: []byte{'{'}}
	l.int("number", c.Number)
	l.int("position", c.Position)
	l.some("message", c.Message)
	l.files(c.Changes, true)
	l.end()
	return item{c.Author, l.dst}
}

// CommitJSON is a commit as differences show it, without what its files hold.
func CommitJSON(c *tree.Commit) []byte {
	l := line{dst: []byte{'{'}}
	l.some("message", c.Message)
	l.files(c.Changes, false)
	l.end()
	return l.dst
}

// LeaseJSON is what was done to a lease on some paths, the same.
func LeaseJSON(what string, paths []string) []byte {
	l := line{dst: []byte{'{'}}
	l.text("lease", what)
	l.texts("paths", paths)
	l.end()
	return l.dst
}

// files are what a commit does to its files.
func (l *line) files(list []tree.Change, content bool) {
	l.key("files")
	l.dst = append(l.dst, '[')
	for i := range list {
		if i > 0 {
			l.dst = append(l.dst, ',')
		}
		l.change(&list[i], content)
	}
	l.dst = append(l.dst, ']')
}

// change is what a commit does to one file, with what it holds then or without.
func (l *line) change(x *tree.Change, content bool) {
	l.begin()
	l.text("path", x.Path)
	l.yes("deleted", x.Delete)
	l.yes("exec", x.Exec)
	if !x.Delete {
		l.int("size", len(x.Content))
		l.text("sha256", tree.Hash(x.Content))
	}
	if content && !x.Delete {
		l.text("content", string(x.Content))
	}
	l.end()
}

// leaseItem is one change of who holds what, to compare.
func leaseItem(s *tree.Step) item {
	l := line{dst: []byte{'{'}}
	l.text("agent", s.Agent)
	l.int("position", s.Position)
	l.step(s)
	l.end()
	return item{"", l.dst}
}

func (l *line) step(s *tree.Step) {
	l.text("lease", s.What)
	l.texts("paths", s.Paths)
	l.int("ticket", s.Ticket)
	if s.Token > 0 {
		l.int("token", s.Token)
	}
	if s.TTL > 0 {
		l.int("ttl", s.TTL)
	}
	l.some("why", s.Why)
}

// shared tells what came about in the shared tree. What files hold is not told:
// it is in the record, and what they hold now in the tree.
func (e *events) shared(r *Record) {
	for i := range r.Commits {
		c := &r.Commits[i]
		e.open("commit")
		e.text("agent", c.Author)
		e.int("version", c.Number)
		e.some("message", c.Message)
		e.files(c.Changes, false)
		e.close()
	}
	for i := range r.Leases {
		e.open("lease")
		e.text("agent", r.Leases[i].Agent)
		e.step(&r.Leases[i])
		e.close()
	}
}
