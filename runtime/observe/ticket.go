package observe

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ticketLife is how long a ticket is good.
const ticketLife = time.Hour

// ticketMark is what a ticket begins with, as the first name of the path of what
// an agent serves.
const ticketMark = "~"

// tickets are made and checked by a key of this process: none outlives it.
type tickets struct{ key [sha256.Size]byte }

func newTickets() *tickets {
	t := &tickets{}
	_, _ = rand.Read(t.key[:]) // never fails
	return t
}

// make gives a ticket for what one agent of a run serves. It is worth what the role
// may do.
func (t *tickets) make(as Role, run, agent string, until time.Time) string {
	end := strconv.FormatInt(until.Unix(), 36)
	return as.String() + "." + end + "." + t.mac(as, run, agent, end)
}

// role is the role that a ticket is worth now for an agent of a run; Anyone for
// none.
func (t *tickets) role(ticket, run, agent string) Role {
	name, rest, _ := strings.Cut(ticket, ".")
	end, said, _ := strings.Cut(rest, ".")
	until, err := strconv.ParseInt(end, 36, 64)
	if err != nil || time.Now().Unix() >= until {
		return Anyone
	}
	for r := Observe; r <= Control; r++ {
		if r.String() == name && hmac.Equal([]byte(said), []byte(t.mac(r, run, agent, end))) {
			return r
		}
	}
	return Anyone
}

func (t *tickets) mac(as Role, run, agent, end string) string {
	h := hmac.New(sha256.New, t.key[:])
	_ = json.NewEncoder(h).Encode([]string{as.String(), run, agent, end})
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// ticketOf takes the ticket out of the path, escaped, of a request for what an
// agent serves: rest is what remains of it for the agent, and prefix what is before
// that. Ticket is empty where there is none.
func ticketOf(r *http.Request) (run, agent, ticket, prefix, rest string, ok bool) {
	const runs, agents = "/v1/runs/", "/agents/"
	path, found := strings.CutPrefix(r.URL.EscapedPath(), runs)
	run, path, found2 := strings.Cut(path, agents)
	agent, rest, found3 := strings.Cut(path, "/http/")
	if !found || !found2 || !found3 || strings.Contains(run, "/") || strings.Contains(agent, "/") {
		return "", "", "", "", "", false
	}
	prefix = runs + run + agents + agent + "/http/"
	if after, marked := strings.CutPrefix(rest, ticketMark); marked {
		ticket, rest, _ = strings.Cut(after, "/")
		prefix += ticketMark + ticket + "/"
	}
	run, err := url.PathUnescape(run)
	agent, err2 := url.PathUnescape(agent)
	return run, agent, ticket, prefix, rest, err == nil && err2 == nil
}

// ticketRole is the role that a request's ticket is worth, and whether it has one.
func (t *tickets) ticketRole(r *http.Request) (_ Role, has bool) {
	run, agent, ticket, _, _, ok := ticketOf(r)
	if !ok || ticket == "" {
		return Anyone, false
	}
	return t.role(ticket, run, agent), true
}

// roleKey is where a request's context has its role.
type roleKey struct{}

// withRole notes what whoever asks may do.
func withRole(r *http.Request, is Role) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), roleKey{}, is))
}

// roleOf is what whoever asks may do: all, where nobody has noted it, as on the
// supervisor's socket.
func roleOf(r *http.Request) Role {
	if is, ok := r.Context().Value(roleKey{}).(Role); ok {
		return is
	}
	return Control
}
