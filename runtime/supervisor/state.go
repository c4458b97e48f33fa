package supervisor

import "fmt"

// A State is where a process stands in its life. All else reads it; only next
// changes it.
type State uint8

// The states of a process that lives over many turns.
const (
	Down      State = iota // no process; started when an agent of it is asked
	Starting               // the process runs, not all of its agents are ready
	Hydrating              // it is being told again what it answered before
	Ready                  // it can be asked
	Backoff                // it died or could not start; the next start waits
	Parking                // it has nothing to do and is to end; its state is kept
	Parked                 // no process; it comes back as it was when an agent of it is asked
	Failed                 // it died in too many ticks in a row: never started again
	Stopping               // it was told to stop
	Stopped                // it is gone for good
)

var stateNames = [...]string{"down", "starting", "hydrating", "ready", "backoff", "parking", "parked", "failed", "stopping", "stopped"}

func (s State) String() string { return stateNames[s] }

// An event is what moves a process from state to state.
type event uint8

const (
	started  event = iota // the operating system runs it
	readied               // every agent in it said ready
	hydrated              // it is where the record says it was
	died                  // it is gone
	retried               // another start is wanted
	parked                // it is to end and be able to come back
	gaveUp                // no further start is wanted, ever
	stopped               // it was told to stop
	ended                 // it is gone after having been told to stop, or was not there
)

// transitions is every change of state there is.
var transitions = map[State]map[event]State{
	Down:      {retried: Backoff, gaveUp: Failed, stopped: Stopping},
	Backoff:   {started: Starting, died: Down, stopped: Stopping},
	Starting:  {readied: Hydrating, died: Down, stopped: Stopping},
	Hydrating: {hydrated: Ready, died: Down, stopped: Stopping},
	Ready:     {died: Down, parked: Parking, stopped: Stopping},
	Parking:   {died: Parked, stopped: Stopping},
	Parked:    {retried: Backoff, stopped: Stopping},
	Failed:    {stopped: Stopping},
	Stopping:  {ended: Stopped, stopped: Stopping},
	Stopped:   {stopped: Stopped, ended: Stopped},
}

// next is the one transition function. An event that a state does not know is
// a fault of this package.
func (s State) next(e event) State {
	t, ok := transitions[s][e]
	if !ok {
		panic(fmt.Sprintf("supervisor: event %d in state %s", e, s))
	}
	return t
}
