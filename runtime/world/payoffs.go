package world

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// maxPayoff bounds a payoff's size so that no total of a run leaves what a
// float64 counts exactly.
const maxPayoff = 1e9

// maxMoves bounds the moves of a game; totals keep a count for each pair.
const maxMoves = 64

// Payoffs maps each pair of moves, mine and then the opponent's written
// together (CD: I cooperate, the other defects), to what I get.
type Payoffs map[string]float64

// A stage is a game that is played once in a turn: moves, and what each pair
// of them pays.
type stage struct {
	moves  []string
	quoted []string       // moves as JSON
	plain  map[string]int // action as most agents write it → move
	pays   []float64      // by mine*len(moves)+theirs
}

// newStage checks moves and payoffs, which stand in config under those keys.
func newStage(moves []string, payoffs Payoffs, errs *ConfigErrors) stage {
	s := stage{moves: moves, plain: make(map[string]int)}
	if len(moves) < 2 || len(moves) > maxMoves {
		errs.add("moves", "%d moves where 2 to %d are wanted", len(moves), maxMoves)
		return s
	}
	for i, move := range moves {
		if move == "" || slices.Contains(moves[:i], move) {
			errs.add(fmt.Sprintf("moves[%d]", i), "%q is empty or there already", move)
			return s
		}
		quoted := string(agent.AppendString(nil, move))
		s.quoted = append(s.quoted, quoted)
		s.plain[`{"move":`+quoted+`}`] = i
	}
	pairs := make(map[string]bool)
	for _, mine := range moves {
		for _, theirs := range moves {
			s.pays = append(s.pays, takePayoff(payoffs, mine, theirs, pairs, errs))
		}
	}
	for _, pair := range sortedKeys(payoffs) {
		if !pairs[pair] {
			errs.add("payoffs."+pair, "unknown pair; the pairs of these moves: %s", strings.Join(sortedKeys(pairs), ", "))
		}
	}
	return s
}

// takePayoff finds one pair's payoff and notes the pair as seen.
func takePayoff(payoffs Payoffs, mine, theirs string, pairs map[string]bool, errs *ConfigErrors) float64 {
	pair := mine + theirs
	if pairs[pair] {
		errs.add("moves", "two pairs of moves are both written %q; rename a move", pair)
		return 0
	}
	pairs[pair] = true
	pay, ok := payoffs[pair]
	if !ok {
		errs.add("payoffs."+pair, "missing; what %s gets against %s", mine, theirs)
	} else if pay < -maxPayoff || pay > maxPayoff {
		errs.add("payoffs."+pair, "%v is not between %g and %g", pay, -maxPayoff, maxPayoff)
	}
	return pay
}

// index finds a move by its name.
func (s *stage) index(move string) (int, bool) {
	i := slices.Index(s.moves, move)
	return i, i >= 0
}

// read takes the move out of an action. The text is empty, or says why the
// action is refused.
func (s *stage) read(action []byte) (move int, why string) {
	if move, ok := s.plain[string(action)]; ok {
		return move, ""
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(action, &fields); err != nil || fields == nil {
		return 0, fmt.Sprintf("the action is no object; %s", s.legal())
	}
	raw, ok := fields["move"]
	if !ok {
		return 0, fmt.Sprintf("the action has no move; %s", s.legal())
	}
	var name string
	if err := json.Unmarshal(raw, &name); err != nil || raw[0] != '"' {
		return 0, fmt.Sprintf("move is %s; %s", shorten(string(raw)), s.legal())
	}
	move, ok = s.index(name)
	if !ok {
		return 0, fmt.Sprintf("move is %s; %s", shorten(string(raw)), s.legal())
	}
	return move, ""
}

func (s *stage) legal() string {
	return `want {"move": M} with M one of ` + strings.Join(s.quoted, ", ")
}

// action is a move as an action.
func (s *stage) action(move int) []byte {
	return []byte(`{"move":` + s.quoted[move] + `}`)
}

// schema is the JSON Schema of the game's actions.
func (s *stage) schema() map[string][]byte {
	var b bytes.Buffer
	b.WriteString(`{"type":"object","required":["move"],"properties":{"move":{"enum":[`)
	b.WriteString(strings.Join(s.quoted, ","))
	b.WriteString(`]}}}`)
	return map[string][]byte{"*": b.Bytes()}
}

// total sums what pairs of moves paid, from how often each was played. The
// order of the sum is fixed, so equal counts give equal totals to the bit.
func (s *stage) total(counts []int) float64 {
	sum := 0.0
	for pair, n := range counts {
		if n != 0 {
			sum += float64(n) * s.pays[pair]
		}
	}
	return sum
}

// columns gives one column a move, by name.
func (s *stage) columns(counts []int) []Column {
	columns := make([]Column, len(counts))
	for move, n := range counts {
		columns[move] = Column{Name: s.moves[move], Value: strconv.AppendInt(nil, int64(n), 10)}
	}
	sortColumns(columns)
	return columns
}

func sortColumns(columns []Column) {
	slices.SortFunc(columns, func(a, b Column) int { return strings.Compare(a.Name, b.Name) })
}

// appendNumber appends a finite number as JSON; whole ones have no fraction.
// Reading it back gives the same number.
func appendNumber(dst []byte, v float64) []byte {
	if v == 0 {
		return append(dst, '0') // -0 is no score
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 64)
}
