package workspace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// A capture's manifest is a file of JSON lines: a head, then work and home and
// all below them, each directory before its entries, and an end, without which
// it is not whole. An entry has its depth and no path, so that a manifest grows
// with the number of files however deep they are.

type manifestHead struct {
	Tick int   `json:"tick"`
	Seen int64 `json:"seen"` // Unix time in ns
}

type manifestEnd struct {
	Entries *int `json:"entries"`
}

type manifestEntry struct {
	Depth  int      `json:"depth"`
	Name   text     `json:"name"`
	Mode   string   `json:"mode"` // octal, with the type, as git has it
	Mtime  [2]int64 `json:"mtime"`
	Ctime  [2]int64 `json:"ctime"`
	Inode  uint64   `json:"inode"`
	Size   int64    `json:"size,omitempty"`
	Blob   string   `json:"blob,omitempty"`
	Target *text    `json:"target,omitempty"`
}

// A text is a string of any bytes: in JSON itself where it is UTF-8, else a
// list of its base64 alone.
type text string

// MarshalJSON is json.Marshaler's.
func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal([1][]byte{[]byte(t)})
}

// UnmarshalJSON is json.Unmarshaler's.
func (t *text) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("[")) {
		var raw [1][]byte
		err := json.Unmarshal(data, &raw)
		*t = text(raw[0])
		return err
	}
	var s string
	err := json.Unmarshal(data, &s)
	*t = text(s)
	return err
}

// roots are the names of the tree's two directories in a manifest.
var roots = [2]string{"work", "home"}

// write encodes the tree as the capture of a tick.
func (t *tree) write(to io.Writer, tick int) error {
	w := bufio.NewWriterSize(to, 64<<10)
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	entries := 0
	err := lines.Encode(manifestHead{Tick: tick, Seen: t.seen.UnixNano()})
	for i, root := range [2]*node{t.work, t.home} {
		root.walk(0, func(depth int, n *node) {
			if err != nil {
				return
			}
			e := n.entry(depth)
			if depth == 0 {
				e.Name = text(roots[i])
			}
			entries++
			err = lines.Encode(e)
		})
	}
	if err == nil {
		err = lines.Encode(manifestEnd{Entries: &entries})
	}
	return errors.Join(err, w.Flush())
}

func (n *node) entry(depth int) manifestEntry {
	e := manifestEntry{
		Depth: depth, Name: text(n.name), Mode: strconv.FormatUint(uint64(n.mode), 8),
		Mtime: [2]int64{n.mtime.sec, n.mtime.nsec}, Ctime: [2]int64{n.ctime.sec, n.ctime.nsec},
		Inode: n.inode,
	}
	switch n.kind() {
	case unix.S_IFREG:
		e.Size, e.Blob = n.size, n.blob
	case unix.S_IFLNK:
		e.Target = (*text)(&n.target)
	case unix.S_IFDIR:
		e.Ctime = [2]int64{} // who reads it does not know what was left out of the directory
	}
	return e
}

// A DamagedError says that a capture cannot be used.
type DamagedError struct {
	Path string // of its manifest, or of what it lacks
	Err  error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("a capture is damaged: %s: %v", e.Path, e.Err)
}

// Unwrap gives the cause.
func (e *DamagedError) Unwrap() error { return e.Err }

// readManifest reads the capture of a tick. One that is not whole, or says what
// no capture says, is a *DamagedError.
func readManifest(path string, tick int) (*tree, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	t, err := decodeManifest(f, tick)
	if err != nil {
		return nil, &DamagedError{Path: path, Err: err}
	}
	return t, nil
}

func decodeManifest(from io.Reader, tick int) (*tree, error) {
	lines := json.NewDecoder(bufio.NewReaderSize(from, 64<<10))
	var head manifestHead
	if err := lines.Decode(&head); err != nil {
		return nil, err
	}
	if head.Tick != tick {
		return nil, fmt.Errorf("it is the capture of tick %d, not of %d", head.Tick, tick)
	}
	b := builder{tree: &tree{seen: time.Unix(0, head.Seen)}}
	for {
		var line struct {
			manifestEntry
			manifestEnd
		}
		if err := lines.Decode(&line); err != nil {
			return nil, fmt.Errorf("after %d entries: %w", b.entries, err)
		}
		if line.Entries != nil {
			if *line.Entries != b.entries {
				return nil, fmt.Errorf("it has %d entries of %d", b.entries, *line.Entries)
			}
			return b.tree, nil
		}
		if err := b.add(&line.manifestEntry); err != nil {
			return nil, fmt.Errorf("after %d entries: %w", b.entries, err)
		}
	}
}

// A builder puts entries together.
type builder struct {
	tree    *tree
	parents []*node // of what may come next
	entries int
}

func (b *builder) add(e *manifestEntry) error {
	n, err := e.node()
	if err != nil {
		return err
	}
	if e.Depth < 0 || e.Depth > len(b.parents) {
		return fmt.Errorf("%q has no parent", e.Name)
	}
	b.parents = append(b.parents[:e.Depth], n)
	b.entries++
	if e.Depth > 0 {
		parent := b.parents[e.Depth-1]
		if last := len(parent.children) - 1; !parent.is(unix.S_IFDIR) || last >= 0 && parent.children[last].name >= n.name {
			return fmt.Errorf("%q is out of order", e.Name)
		}
		parent.children = append(parent.children, n)
		return nil
	}
	root := &b.tree.work
	if n.name == roots[1] {
		root = &b.tree.home
	}
	if !n.is(unix.S_IFDIR) || n.name != roots[0] && n.name != roots[1] || *root != nil {
		return fmt.Errorf("%q is not in a workspace", e.Name)
	}
	*root = n
	return nil
}

func (e *manifestEntry) node() (*node, error) {
	mode, err := strconv.ParseUint(e.Mode, 8, 16)
	n := &node{
		name: string(e.Name), mode: uint32(mode),
		mtime: stamp{e.Mtime[0], e.Mtime[1]}, ctime: stamp{e.Ctime[0], e.Ctime[1]},
		inode: e.Inode, size: e.Size, blob: e.Blob,
	}
	if e.Target != nil {
		n.target = string(*e.Target)
	}
	wrong := n.name == "" || n.name == "." || n.name == ".." || strings.ContainsAny(n.name, "/\x00")
	switch n.kind() {
	case unix.S_IFREG:
		wrong = wrong || !isBlob(n.blob) || n.size < 0
	case unix.S_IFLNK:
		wrong = wrong || n.target == ""
	case unix.S_IFDIR:
	default:
		wrong = true
	}
	if err != nil || wrong {
		return nil, fmt.Errorf("%q is no entry of a capture", e.Name)
	}
	return n, nil
}
