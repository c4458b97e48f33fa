package observe

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// A query takes a request's parameters apart. The first fault sticks.
type query struct {
	values url.Values
	err    error
}

func queryOf(r *http.Request) *query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		err = &requestError{"cannot read the query: ", err}
	}
	return &query{values, err}
}

func (q *query) fail(format string, v ...any) {
	if q.err == nil {
		q.err = fmt.Errorf("%w: "+format, append([]any{errRequest}, v...)...)
	}
}

// number is a whole number from 0 to most; what it is without being said is usual.
func (q *query) number(name string, usual, most int) int { return q.within(name, usual, 0, most) }

// within is number for one from least on.
func (q *query) within(name string, usual, least, most int) int {
	said := q.values.Get(name)
	if said == "" {
		return usual
	}
	n, err := strconv.Atoi(said)
	if err != nil || n < least || n > most {
		q.fail("%s is a whole number from %d to %d", name, least, most)
		return usual
	}
	return n
}

// flag is true or false; false where nothing is said.
func (q *query) flag(name string) bool {
	switch said := q.values.Get(name); said {
	case "true":
		return true
	case "", "false":
	default:
		q.fail("%s is true or false", name)
	}
	return false
}

// word is one of the words, the first where nothing is said.
func (q *query) word(name string, words ...string) string {
	said := q.values.Get(name)
	if said == "" {
		return words[0]
	}
	for _, w := range words {
		if said == w {
			return w
		}
	}
	q.fail("%s is one of %q", name, words)
	return words[0]
}
