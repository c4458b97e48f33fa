package world

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
