package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Site is where the walls of a run are to stand.
type Site struct {
	Data     string   // the directory, absolute, below which the run's are; it need not be there yet
	Run      Run      // zero before the run is there
	Programs []string // that processes execute from where they lie, absolute
	Reads    []string // files and directories that processes read there, absolute
}

// Walls are what stands around the processes of one run. Their methods may be
// called concurrently.
type Walls struct {
	achieved Achieved
	walls    []wall
	uids     *uids // whose a process is; nil where all have this process's user
}

// An Achieved says which walls stand, and what they stop.
type Achieved struct {
	Asked       string            `json:"asked"`
	Tiers       []string          `json:"tiers"` // none of none
	LandlockABI int               `json:"landlock_abi,omitempty"`
	Stops       []string          `json:"stops,omitempty"`
	Cannot      []string          `json:"cannot,omitempty"`
	Missing     map[string]string `json:"missing,omitempty"` // why, by tier
}

// String is the tiers in a word.
func (a Achieved) String() string {
	if len(a.Tiers) == 0 {
		return None
	}
	return strings.Join(a.Tiers, "+")
}

// UnmarshalJSON reads what older manifests say too: a word.
func (a *Achieved) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, &a.Asked)
	}
	type plain Achieved
	return json.Unmarshal(text, (*plain)(a))
}

// Has says whether a tier stands.
func (a Achieved) Has(tier string) bool { return slices.Contains(a.Tiers, tier) }

// Survey says which walls would stand at a site for a word of isolation. What is
// asked for and cannot be had is an error that names what is missing, for every
// tier that is.
func Survey(word string, s *Site) (Achieved, error) {
	a := Achieved{Asked: word, Tiers: []string{}}
	names, all, err := tiersOf(word)
	if err != nil {
		return a, err
	}
	var missing []string
	for _, name := range names {
		if err := tiers[name].Barred(s); err != nil {
			if a.Missing == nil {
				a.Missing = map[string]string{}
			}
			a.Missing[name] = err.Error()
			missing = append(missing, name+": "+err.Error())
			continue
		}
		if name != None {
			a.Tiers = append(a.Tiers, name)
		}
	}
	if a.Has("landlock") {
		a.LandlockABI = LandlockABI()
		if word == Strict && a.LandlockABI < WholeLandlock {
			missing = append(missing, fmt.Sprintf("landlock: the kernel has version %d of it, and all that it can stop takes version %d (Linux 6.12)", a.LandlockABI, WholeLandlock))
		}
	}
	a.claim()
	if all && len(missing) > 0 {
		return a, fmt.Errorf("isolation %s is not to be had here: %s", word, strings.Join(missing, "; "))
	}
	return a, nil
}

// Raise makes the walls that Survey finds, for one run whose directory is there.
// The caller closes them once all processes behind them are gone.
func Raise(word string, s *Site) (*Walls, error) {
	a, err := Survey(word, s)
	if err != nil {
		return nil, err
	}
	w := &Walls{achieved: a}
	for _, name := range a.Tiers {
		one, err := tiers[name].Raise(s)
		if err != nil {
			w.Close()
			return nil, fmt.Errorf("cannot raise the isolation %s: %w", name, err)
		}
		w.walls = append(w.walls, one)
		if u, ok := one.(*uids); ok {
			w.uids = u
		}
	}
	return w, nil
}

// Close gives the walls up.
func (w *Walls) Close() {
	for _, one := range w.walls {
		one.close()
	}
	w.walls = nil
}

// Achieved says which walls stand.
func (w *Walls) Achieved() Achieved { return w.achieved }

// Open makes the workspace of a process, as Run.Open does, and has it belong to
// the user that the process runs as, whoever's it was before.
func (w *Walls) Open(r Run, process string) (*Workspace, error) {
	ws, err := r.Open(process)
	if err != nil {
		return nil, err
	}
	return w.own(ws)
}

// OpenWorld is Open for a world that is a process.
func (w *Walls) OpenWorld(r Run) (*Workspace, error) {
	ws, err := r.OpenWorld()
	if err != nil {
		return nil, err
	}
	return w.own(ws)
}

func (w *Walls) own(ws *Workspace) (_ *Workspace, err error) {
	ws.walled = true
	if w.uids != nil {
		ws.uid, err = w.uids.of(ws)
	}
	if err = errors.Join(err, ws.own()); err != nil {
		ws.Release()
		return nil, err
	}
	return ws, nil
}

// Owners are the users that processes behind the walls have for themselves.
func (w *Walls) Owners() map[int]bool {
	if w.uids == nil {
		return nil
	}
	return w.uids.owners()
}

// Enclose changes a command so that its process will run behind the walls, with
// ws as the workspace it may write. It is called for each start; release is
// called once the process has been started, or not.
func (w *Walls) Enclose(c *Command, ws *Workspace) (release func(), err error) {
	var releases []func()
	release = func() {
		for _, r := range releases {
			r()
		}
	}
	for _, one := range w.walls {
		r, err := one.enclose(c, ws)
		if err != nil {
			release()
			return nil, err
		}
		releases = append(releases, r)
	}
	return release, nil
}
