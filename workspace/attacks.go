package workspace

import "slices"

// An Attack is one thing that a hostile agent might do to others, or to the run.
type Attack struct {
	Name string `json:"name"`
	// By are the tiers that stop it, with the version of Landlock from which on
	// that one does; any other number is 0.
	By map[string]int `json:"-"`
}

// Attacks is all that walls are there to stop, and what none does. Tests carry
// each of them out on each tier, and hold the outcome against this table.
var Attacks = []Attack{
	{"read another agent's files, home, prompts or log", map[string]int{"uid": 0, "landlock": 0}},
	{"write another agent's files, home or log", map[string]int{"uid": 0, "landlock": 0}},
	{"change the permissions or times of another agent's files", map[string]int{"uid": 0}},
	{"get at another's files by symbolic links, hard links, renaming or ..", map[string]int{"uid": 0, "landlock": 0}},
	{"read or write the run's record, locks, checkpoints and plan", map[string]int{"uid": 0, "landlock": 0}},
	{"change the run's copies of programs", map[string]int{"uid": 0, "landlock": 0}},
	{"read the copies of another entry's programs", map[string]int{"landlock": 0}},
	{"read files that the plan does not list", map[string]int{"landlock": 0}},
	{"write outside its own directories", map[string]int{"landlock": 0}},
	{"read the environment, memory or descriptors of other processes", map[string]int{"uid": 0, "landlock": 0}},
	{"trace other processes", map[string]int{"uid": 0, "landlock": 0}},
	{"signal other processes", map[string]int{"uid": 0, "landlock": WholeLandlock}},
	{"get another user's rights by a set-user-ID program", map[string]int{"uid": 0, "landlock": 0}},
	{"command the supervisor through control.sock", map[string]int{"uid": 0, "landlock": 0}},
	{"connect to TCP ports that the plan does not allow", map[string]int{"landlock": 4}},
	{"listen on TCP ports", map[string]int{"landlock": 4}},
	{"connect to abstract sockets of other processes", map[string]int{"landlock": WholeLandlock}},
	{"use descriptors of the supervisor", map[string]int{None: 0, "uid": 0, "landlock": 0}},
	{"use UDP, or MPTCP in TCP's place", nil},
	{"see that a file is there, its size and its times", nil},
	{"see which processes there are, and their commands", nil},
}

// Stopped says whether tiers stop an attack, with that version of Landlock.
func (a Attack) Stopped(tiers []string, abi int) bool {
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
