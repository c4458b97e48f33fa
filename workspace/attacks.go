package workspace

import "slices"

// An Attack is one thing that a hostile agent might do to others, or to the run.
type Attack struct {
	Name string `json:"name"`
	// By are the tiers that stop it, with the version of Landlock from which on
	// that one does; any other number is 0.
	By map[string]int `json:"-"`
	// linux says that it is stopped there alone, whatever the tier.
	linux bool
}

// Attacks is all that walls are there to stop, and what none does. Tests carry
// each of them out on each tier, and hold the outcome against this table.
var Attacks = []Attack{
	{Name: "read another agent's files, home, prompts or log", By: map[string]int{"uid": 0, "landlock": 0}},
	{Name: "write another agent's files, home or log", By: map[string]int{"uid": 0, "landlock": 0}},
	{Name: "change the permissions or times of another agent's files or the run's", By: map[string]int{"uid": 0}},
	{Name: "get at another's files by symbolic links, hard links, renaming or ..", By: map[string]int{"uid": 0, "landlock": 0}},
	{Name: "get at another's files by checkout, commit, or what is kept of its own", By: map[string]int{None: 0}},
	{Name: "read or write the run's record, locks, checkpoints and plan", By: map[string]int{"uid": 0, "landlock": 0}},
	{Name: "change the run's copies of programs and templates", By: map[string]int{"uid": 0, "landlock": 0}},
	{Name: "read the copies of another entry's programs", By: map[string]int{"landlock": 0}},
	{Name: "write the shared tree without a commit", By: map[string]int{"uid": 0, "landlock": 0}},
	{Name: "read of the shared tree what the plan keeps from it", By: map[string]int{"uid": 0, "landlock": 0}},
	{Name: "commit what the plan or another's lease keeps from it", By: map[string]int{None: 0}},
	{Name: "ask the runtime in another agent's name, through that one's socket", By: map[string]int{"uid": 0, "landlock": 0}},
	{Name: "ask the runtime in another agent's name, through its own socket", By: map[string]int{None: 0}},
	{Name: "publish as another, listen to others or read the store by its own credentials", By: map[string]int{None: 0}},
	{Name: "read files that the plan does not list", By: map[string]int{"landlock": 0}},
	{Name: "write outside its own directories", By: map[string]int{"landlock": 0}},
	{Name: "read the environment, memory or descriptors of other processes", By: map[string]int{"uid": 0, "landlock": 0}},
	{Name: "use another agent's shared memory of System V", By: map[string]int{"uid": 0}},
	{Name: "trace other processes", By: map[string]int{"uid": 0, "landlock": 0}},
	{Name: "signal other processes", By: map[string]int{"uid": 0, "landlock": WholeLandlock}},
	{Name: "get another user's rights by a set-user-ID program", By: map[string]int{"uid": 0, "landlock": 0}},
	{Name: "command the supervisor through control.sock", By: map[string]int{None: 0}, linux: true},
	{Name: "connect to TCP ports that the plan does not allow", By: map[string]int{"landlock": 4}},
	{Name: "reach hosts by the proxy that its own list does not have", By: map[string]int{None: 0}},
	{Name: "reach another agent's hosts by that one's credential for the proxy", By: map[string]int{"uid": 0, "landlock": 0}},
	{Name: "listen on TCP ports", By: map[string]int{"landlock": 4}},
	{Name: "connect to abstract sockets of other processes", By: map[string]int{"landlock": WholeLandlock}},
	{Name: "use descriptors of the supervisor", By: map[string]int{None: 0}},
	{Name: "reach the terminal that the run was started from", By: map[string]int{None: 0}, linux: true},
	{Name: "take more than its limits of messages, logs, disk, files, processes, memory or time", By: map[string]int{None: 0}, linux: true},
	{Name: "outlive its run by sessions, double forks or new parents", By: map[string]int{None: 0}, linux: true},
	{Name: "use UDP, or MPTCP in TCP's place"},
	{Name: "see that a file is there, its size and its times"},
	{Name: "see which processes there are, and their commands"},
}

// Stopped says whether tiers stop an attack, with that version of Landlock.
func (a Attack) Stopped(tiers []string, abi int) bool {
	if a.linux && !Confines {
		return false
	}
	for tier, from := range a.By {
		if tier == None || slices.Contains(tiers, tier) && (tier != "landlock" || abi >= from) {
			return true
		}
	}
	return false
}

// claim lists what the tiers stop, and what they cannot.
func (a *Achieved) claim() {
	for _, x := range Attacks {
		if x.Stopped(a.Tiers, a.LandlockABI) {
			a.Stops = append(a.Stops, x.Name)
		} else {
			a.Cannot = append(a.Cannot, x.Name)
		}
	}
}
