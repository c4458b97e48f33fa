package bots

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// A builder builds a web site in the directory public of its own and, where it has a
// port in PORT, serves it there. Each message that is a text is a wish, which becomes
// a line of the page. It works in any world.
type builder struct {
	Title string `json:"title"`

	wishes []string
}

// public is the directory that a builder writes.
const public = "public"

// built is what it answers.
type built struct {
	Wishes int `json:"wishes"` // that the page follows
}

func newBuilder(s agent.Start) (agent.Player, error) {
	b := &builder{Title: "A site"}
	if err := errors.Join(s.Unmarshal(b), s.Restore(&b.wishes)); err != nil {
		return nil, err
	}
	if err := b.write(); err != nil {
		return nil, err
	}
	port := os.Getenv("PORT")
	if port == "" {
		return b, nil
	}
	l, err := Listen(port)
	if err != nil {
		return nil, fmt.Errorf("cannot serve the site: %w", err)
	}
	go func() { _ = ServeFiles(l, public) }() // as long as the process lives
	return b, nil
}

// Snapshot is agent.Keeper's.
func (b *builder) Snapshot() (any, error) { return b.wishes, nil }

func (b *builder) Play(o agent.Observation) agent.Reply {
	if o.Attempt == 1 { // else it has read them before
		for _, m := range o.Messages {
			var wish string
			if m.Unmarshal(&wish) == nil {
				b.wishes = append(b.wishes, wish)
			}
		}
	}
	if err := b.write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return o.Act(built{len(b.wishes)})
}

// write writes the page, all of it or nothing.
func (b *builder) write() error {
	var page strings.Builder
	_, _ = fmt.Fprintf(&page, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>%s</title>\n"+
		"<link rel=\"stylesheet\" href=\"style.css\">\n<h1>%[1]s</h1>\n<ul>\n", html.EscapeString(b.Title))
	for _, wish := range b.wishes {
		_, _ = fmt.Fprintf(&page, "<li>%s</li>\n", html.EscapeString(wish))
	}
	page.WriteString("</ul>\n</html>\n")
	err := os.MkdirAll(public, 0o700)
	for name, text := range map[string]string{"index.html": page.String(), "style.css": "body { font-family: sans-serif; margin: 2em auto; max-width: 40em; }\n"} {
		path := filepath.Join(public, name)
		if err == nil {
			err = os.WriteFile(path+".new", []byte(text), 0o600)
		}
		if err == nil {
			err = os.Rename(path+".new", path)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot write the site: %w", err)
	}
	return nil
}

// Listen listens at a port of this machine, by plain TCP: walls that let an agent
// listen at its port know nothing else.
func Listen(port string) (net.Listener, error) {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	return c.Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", port))
}

// ServeFiles serves the files of a directory, and nothing that is elsewhere, until the
// listener is closed.
func ServeFiles(l net.Listener, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	srv := &http.Server{Handler: http.FileServerFS(root.FS()), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	return srv.Serve(l)
}

// A customer has wishes, and tells one a turn to whoever is to fulfil them. It works
// in any world.
type customer struct {
	Of     string   `json:"of"`
	Wishes []string `json:"wishes"`

	told int
	last bool // in the newest turn it told one
}

// wished is what it answers.
type wished struct {
	Wishes int `json:"wishes"` // that it has told so far
}

func newCustomer(s agent.Start) (agent.Player, error) {
	c := &customer{}
	return c, errors.Join(s.Unmarshal(c), s.Restore(&c.told))
}

// Snapshot is agent.Keeper's.
func (c *customer) Snapshot() (any, error) { return c.told, nil }

func (c *customer) Play(o agent.Observation) agent.Reply {
	if o.Attempt > 1 && c.last { // what it said before was not taken
		c.told--
	}
	if c.last = c.told < len(c.Wishes) && c.Of != ""; !c.last {
		return o.Act(wished{c.told})
	}
	c.told++
	return o.Act(wished{c.told}).Send(c.Of, c.Wishes[c.told-1])
}
