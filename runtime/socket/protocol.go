// Package socket is what an agent's process and the runtime say to each other
// beside the agent's own lines: through the Unix socket that $TROUPE_SOCKET
// names, one JSON object a line, a request and then its reply. PROTOCOL.md in
// scenarios/clients is the page for authors.
package socket

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/troupe-dev/troupe/runtime/tree"
)

const (
	// MaxLine is the longest request, in bytes without its newline.
	MaxLine = 16 << 20
	// smallLine is how long requests may be of which a process sends many at a
	// time.
	smallLine = 64 << 10
	// maxClients is how many connections one process may have open.
	maxClients = 32
)

// A Request is one line of a client's. Which of the fields count depends on
// Op.
type Request struct {
	ID    json.RawMessage `json:"id,omitempty"` // what the reply has too
	Op    string          `json:"op"`           // a key of the server's table
	Agent string          `json:"agent,omitempty"`

	Paths   []string `json:"paths,omitempty"`   // checkout, stat, lock, unlock
	Message string   `json:"message,omitempty"` // commit
	Files   []Change `json:"files,omitempty"`   // commit
	Token   int      `json:"token,omitempty"`   // commit: the lease that it is made under
	TTL     int      `json:"ttl,omitempty"`     // lock: ticks
	Seconds float64  `json:"seconds,omitempty"` // lock and renew, under the realtime clock
	Hold    bool     `json:"hold,omitempty"`    // lock: it ends with the connection

	To      string          `json:"to,omitempty"` // send
	Channel string          `json:"channel,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`

	Action json.RawMessage `json:"action,omitempty"` // act
	Send   json.RawMessage `json:"send,omitempty"`   // act: a list, as in an act line
	Done   bool            `json:"done,omitempty"`   // act
}

// A Change is what a commit does to one file. Base is the version that it was
// made of, nil where there was no file. The content is in Text, or, as base64, in
// Data.
type Change struct {
	Path   string  `json:"path"`
	Base   *int    `json:"base"`
	Delete bool    `json:"delete,omitempty"`
	Exec   bool    `json:"exec,omitempty"`
	Text   *string `json:"text,omitempty"`
	Data   []byte  `json:"data,omitempty"`
}

// A Reply is one line of the server's. A request gets one, with OK or Error;
// before it may come lines with a File alone, or a Message.
type Reply struct {
	ID    json.RawMessage `json:"id,omitempty"`
	OK    bool            `json:"ok,omitempty"`
	Error string          `json:"error,omitempty"`
	File  *File           `json:"file,omitempty"`
	// Inbox is one message that the agent was told with its observation.
	Inbox *Message `json:"message,omitempty"`

	// Observe is the line that the agent has to answer; nil where there is none.
	Observe json.RawMessage `json:"observe,omitempty"`
	// Schema is the JSON Schema of its action, beside Observe; nil where the world
	// gave none, or the agent's kind has no use for it.
	Schema json.RawMessage `json:"schema,omitempty"`

	// Brief is who the agent is, and what it was told at the start.
	Brief *Brief `json:"brief,omitempty"`

	// Staged is the position of a request that is decided when the tick ends.
	Staged  int      `json:"staged,omitempty"`
	Tick    int      `json:"tick,omitempty"`
	Version *int     `json:"version,omitempty"` // of the tree
	Missing []string `json:"missing,omitempty"` // of the paths asked for
	Token   int      `json:"token,omitempty"`
	Lease   string   `json:"lease,omitempty"` // waits, granted or ended
	Moved   *File    `json:"moved,omitempty"` // what came between

	Leases   []tree.Lease `json:"leases,omitempty"`
	Waiting  []tree.Lease `json:"waiting,omitempty"`
	Agents   []string     `json:"agents,omitempty"`
	Realtime bool         `json:"realtime,omitempty"` // requests are decided at once
}

// A File is one of the tree, with its content where that was asked for.
type File struct {
	tree.File
	Text *string `json:"text,omitempty"`
	Data []byte  `json:"data,omitempty"`
}

// A Brief is who an agent is. System and Prompt are the rendered texts of one that
// talks to a model.
type Brief struct {
	Scenario string `json:"scenario"`
	Agent    string `json:"agent"`
	System   string `json:"system,omitempty"`
	Prompt   string `json:"prompt,omitempty"`
}

// A Message is one that an agent got.
type Message struct {
	From    string          `json:"from"`
	Channel string          `json:"channel,omitempty"`
	Body    json.RawMessage `json:"body"`
}

// Content puts a content in the form that it goes best by.
func Content(content []byte) (text *string, data []byte) {
	if utf8.Valid(content) {
		s := string(content)
		return &s, nil
	}
	return nil, content
}

// Bytes is the content that a file came with.
func (f *File) Bytes() []byte {
	if f.Text != nil {
		return []byte(*f.Text)
	}
	return f.Data
}

// Change is what a change says, as the tree takes it.
func (c *Change) Change() (tree.Change, error) {
	x := tree.Change{Path: c.Path, Base: tree.None, Delete: c.Delete, Exec: c.Exec, Content: c.Data}
	if c.Base != nil {
		if x.Base = *c.Base; x.Base < 0 {
			return x, fmt.Errorf("%s: a version is 0 or more, and null where there was no file", c.Path)
		}
	}
	switch {
	case c.Text != nil && c.Data != nil, c.Delete && (c.Text != nil || c.Data != nil || c.Exec):
		return x, fmt.Errorf("%s: want one of text, data and delete", c.Path)
	case c.Text != nil:
		x.Content = []byte(*c.Text)
	}
	return x, nil
}

// ErrRefused is wrapped by the error of a reply.
var ErrRefused = errors.New("refused")
