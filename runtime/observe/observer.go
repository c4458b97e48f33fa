package observe

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"text/template"

	"github.com/troupe-dev/troupe/bus"
)

// An Observer is what a NATS client follows a run with: it may subscribe to what is
// said of that run and do nothing else.
type Observer struct {
	Run      string `json:"run"`
	URL      string `json:"url"` // of the server, without credentials
	User     string `json:"user"`
	Password string `json:"password"`
	Subject  string `json:"subject"` // of all that is said
	Ticks    string `json:"ticks"`   // of a line for each tick
}

// NewObserver puts together what an observer of a run needs, who connects at an
// address of the bus.
func NewObserver(run, addr string, c bus.Credentials) Observer {
	if host, port, err := net.SplitHostPort(addr); err == nil {
		if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
			addr = net.JoinHostPort("127.0.0.1", port)
		}
	}
	return Observer{Run: run, URL: "nats://" + addr, User: c.User, Password: c.Password, Subject: bus.All(run), Ticks: bus.Tick(run)}
}

// Server is the URL with the credentials in it.
func (o *Observer) Server() string {
	return strings.Replace(o.URL, "://", "://"+url.UserPassword(o.User, o.Password).String()+"@", 1)
}

//go:embed snippets
var snippets embed.FS

// snippetFiles are the programs that follow a run, by language.
var snippetFiles = map[string]string{"go": "go.tmpl", "javascript": "javascript.tmpl", "python": "python.tmpl"}

// Languages are those that Program knows, sorted.
func Languages() []string { return slices.Sorted(maps.Keys(snippetFiles)) }

// Program is a program in some language that follows the run to its end, with the
// official client: it says "subscribed" on stderr once it misses nothing more, and
// writes each message on a line of stdout.
func (o *Observer) Program(language string) (string, error) {
	file, known := snippetFiles[language]
	if !known {
		return "", fmt.Errorf("no program in %q: the languages are %s", language, strings.Join(Languages(), ", "))
	}
	t, err := template.New(file).Funcs(template.FuncMap{"quote": quote}).ParseFS(snippets, "snippets/"+file)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	err = t.Execute(&text, o)
	return text.String(), err
}

// quote is a text as all of these languages write it.
func quote(s string) (string, error) {
	text, err := json.Marshal(s)
	return string(text), err
}

// Observer implements Runs.
func (s *Store) Observer(_ context.Context, run string) (Observer, error) {
	if err := s.exists(run); err != nil {
		return Observer{}, err
	}
	l := s.live(run)
	if l == nil || l.Observer == nil {
		return Observer{}, fmt.Errorf("%w: %s; troupe replay %s --wait publishes what is on record, and troupe resume %s goes on with it if it was interrupted", ErrNotRunning, run, run, run)
	}
	return l.Observer()
}

// NotHeard is the error where the bus does not listen for observers.
func NotHeard(run string) error {
	return &Problem{Status: http.StatusPreconditionFailed,
		Detail: fmt.Sprintf("nobody can connect to the bus of run %s: start it with --bus-listen 127.0.0.1:4222, or have troupe serve play it", run)}
}

func observerRoutes(mux *routes, runs Runs) {
	mux.HandleFunc("GET /v1/runs/{run}/observer", func(w http.ResponseWriter, r *http.Request) {
		o, err := runs.Observer(r.Context(), r.PathValue("run"))
		tell(w, http.StatusOK, o, err)
	})
}

func (c *client) Observer(ctx context.Context, run string) (o Observer, err error) {
	err = c.get(ctx, "/v1/runs/"+url.PathEscape(run)+"/observer", &o)
	return o, err
}
