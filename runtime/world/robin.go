package world

import (
	"fmt"
	"slices"
)

// A robin is a round robin by the circle method: the first seat stays, the
// others move on by one each round, and facing seats play. With an odd number
// of players one seat is empty: who faces it has a bye.
type robin struct {
	seats []int // players; -1 for the empty seat
}

func newRobin(players []int) robin {
	seats := append([]int(nil), players...)
	if len(seats)%2 == 1 {
		seats = append(seats, -1)
	}
	return robin{seats: seats}
}

// rounds is how many it takes until everybody met everybody else once.
func (r robin) rounds() int { return len(r.seats) - 1 }

// others is how many everybody meets.
func (r robin) others() int {
	if slices.Contains(r.seats, -1) {
		return len(r.seats) - 2
	}
	return len(r.seats) - 1
}

// pairs gives those who meet in a round, counted from 0; nobody once all
// rounds are over.
func (r robin) pairs(round int, yield func(a, b int)) {
	if round >= r.rounds() {
		return
	}
	for i := range len(r.seats) / 2 {
		a, b := r.at(i, round), r.at(len(r.seats)-1-i, round)
		if a >= 0 && b >= 0 {
			yield(a, b)
		}
	}
}

// at gives who sits on a seat in a round.
func (r robin) at(seat, round int) int {
	if seat == 0 {
		return r.seats[0]
	}
	moving := len(r.seats) - 1
	return r.seats[1+(seat-1+round)%moving]
}

// groupUp puts every agent into its group.
func groupUp(groups map[string][]string, ids []string) ([]robin, error) {
	if len(groups) == 0 {
		if len(ids) < 2 {
			return nil, fmt.Errorf("cannot start the round robin: %d agents where at least two are wanted", len(ids))
		}
		return []robin{newRobin(upTo(len(ids)))}, nil
	}
	names := sortedKeys(groups)
	members := make([][]int, len(names))
	for i, id := range ids {
		in := -1
		for k, name := range names {
			if !matchAny(groups[name], id) {
				continue
			}
			if in >= 0 {
				return nil, fmt.Errorf("cannot start the round robin: agent %q is in the groups %s and %s; it may be in one", id, names[in], name)
			}
			in = k
		}
		if in < 0 {
			return nil, fmt.Errorf("cannot start the round robin: agent %q is in no group; add a pattern that covers it to config.groups", id)
		}
		members[in] = append(members[in], i)
	}
	robins := make([]robin, len(names))
	for k, name := range names {
		if len(members[k]) < 2 {
			return nil, fmt.Errorf("cannot start the round robin: %d agents in group %s where at least two are wanted", len(members[k]), name)
		}
		robins[k] = newRobin(members[k])
	}
	return robins, nil
}

// upTo gives the numbers from 0 to n-1.
func upTo(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}
