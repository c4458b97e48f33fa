// Package confine starts a process behind walls: the running binary is executed
// once more, restricts itself, and executes the program in its own place. The
// pid, the process group and the standard streams stay what they were.
//
// The binary is recognised by the first word of its command, in this package's
// init: that is before most of the others' and costs a start a fraction of what
// the program's own begin would. So this package imports syscall and nothing
// that others have to wait for.
package confine

import "strconv"

// word is the first word of a command that restricts itself. It shows in lists
// of processes for as long as that takes.
const word = "troupe-confine"

// A Confinement is what a process is restricted to. The zero value restricts
// nothing.
type Confinement struct {
	// UID is the user, and the group, that the process runs as, with no other
	// groups and no capabilities; 0 for this process's own.
	UID int
	// Umask is set where it is not 0.
	Umask int
	// NoPrivileges keeps the process, for good, from gaining what it has not:
	// by set-user-ID programs and the like, and by capabilities, which it loses.
	NoPrivileges bool
	Rlimits      []Rlimit
	// Self is the file that holds the running binary, for users who may not
	// execute its own; empty for that.
	Self string
	// Ruleset is a descriptor of this process's, of a Landlock ruleset that the
	// process is restricted by; 0 for none.
	Ruleset int
	// Groups are descriptors of this process's, of the files cgroup.procs of the
	// control groups that the process joins.
	Groups []int
}

// An Rlimit is one of the kernel's limits of a process; RLIM_INFINITY is no
// bound.
type Rlimit struct {
	Resource   int // RLIMIT_NOFILE and the like
	Soft, Hard uint64
}

// Empty says that there is nothing to restrict.
func (c *Confinement) Empty() bool {
	return c.UID == 0 && c.Umask == 0 && !c.NoPrivileges && len(c.Rlimits) == 0 && c.Ruleset == 0 && len(c.Groups) == 0
}

// Command is what to execute instead of a program, by the running binary's own
// file. Report and ruleset are the numbers of descriptors that it is started
// with: of a pipe that gets one line where the program cannot be executed, and
// its end where it can; of Ruleset, unless that is 0; and from groups on, of
// Groups.
func (c *Confinement) Command(file string, argv []string, report, ruleset, groups int) []string {
	out := []string{word, "report=" + strconv.Itoa(report)}
	for i := range c.Groups {
		out = append(out, "join="+strconv.Itoa(groups+i))
	}
	for _, l := range c.Rlimits {
		out = append(out, "rlimit="+strconv.Itoa(l.Resource)+","+strconv.FormatUint(l.Soft, 10)+","+strconv.FormatUint(l.Hard, 10))
	}
	if c.Umask != 0 {
		out = append(out, "umask="+strconv.Itoa(c.Umask))
	}
	if c.NoPrivileges {
		out = append(out, "bounds")
	}
	if c.UID != 0 {
		out = append(out, "uid="+strconv.Itoa(c.UID))
	}
	if c.NoPrivileges {
		out = append(out, "unprivileged")
	}
	if c.Ruleset != 0 {
		out = append(out, "ruleset="+strconv.Itoa(ruleset))
	}
	return append(append(out, "execute="+file), argv...)
}
