package observe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

// A Directory is what is in a directory of an agent's.
type Directory struct {
	Entries []DirEntry `json:"entries"` // by name
	Left    int        `json:"left_out,omitempty"`
}

// A DirEntry is one thing in it.
type DirEntry struct {
	Name     string    `json:"name"`
	Type     string    `json:"type"` // file, directory, link or other
	Size     int64     `json:"size"` // of a file, in bytes
	Modified time.Time `json:"modified"`
}

// mostEntries is how many entries of a directory are told.
const mostEntries = 10_000

// File implements Inspector: what is neither a file nor a directory is ErrNoFile.
// Nothing outside of the working directory is opened, whatever the agent does to it
// meanwhile.
func (s *Store) File(ctx context.Context, run, id, name string) (*os.File, error) {
	if err := s.exists(run); err != nil {
		return nil, err
	}
	process, err := s.process(run, id)
	if errors.Is(err, ErrNoLog) {
		err = fmt.Errorf("%w: run %s has no agent %s", ErrNoAgent, run, id)
	}
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(s.Dir(run).Work(process))
	if err != nil {
		return nil, fmt.Errorf("%w: agent %s of run %s has no working directory: it was never started, or its workspace was not kept", ErrNoFile, id, run)
	}
	defer func() { _ = root.Close() }()
	// A pipe that nobody writes to would be waited for.
	f, err := root.OpenFile(below(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoFile, name, reasonOf(err))
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() && !st.IsDir() {
		err = errors.New("it is no file")
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w: %s: %w", ErrNoFile, name, err)
	}
	return f, nil
}

// below is a path of a request below the directory; the directory itself for
// none.
func below(name string) string {
	if name = strings.TrimSuffix(name, "/"); name == "" {
		return "."
	}
	return name
}

// reasonOf leaves out which path an error is about.
func reasonOf(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// fileHeader says whether an answer is a file's bytes or a directory.
const fileHeader = "Troupe-File"

func fileRoutes(mux *routes, runs Inspector) {
	serve := func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("path")
		f, err := runs.File(r.Context(), r.PathValue("run"), r.PathValue("agent"), name)
		if err != nil {
			fail(w, err)
			return
		}
		defer func() { _ = f.Close() }()
		st, err := f.Stat()
		switch {
		case err != nil:
			fail(w, err)
		case st.IsDir():
			d, err := list(f)
			w.Header().Set(fileHeader, "directory")
			tell(w, http.StatusOK, d, err)
		default:
			w.Header().Set(fileHeader, "file")
			send(w, f, path.Base(name), st.Size())
		}
	}
	mux.HandleFunc("GET /v1/runs/{run}/agents/{agent}/files", serve)
	mux.HandleFunc("GET /v1/runs/{run}/agents/{agent}/files/{path...}", serve)
}

// list reads a directory.
func list(f *os.File) (Directory, error) {
	d := Directory{Entries: []DirEntry{}}
	entries, left, err := firstOf(f)
	if err != nil {
		return d, fmt.Errorf("cannot list the directory: %w", reasonOf(err))
	}
	d.Left = left
	for _, e := range entries {
		st, err := e.Info()
		if err != nil {
			continue // it is gone
		}
		x := DirEntry{Name: strings.ToValidUTF8(e.Name(), "\uFFFD"), Type: "other", Modified: st.ModTime().UTC()}
		switch {
		case st.Mode().IsRegular():
			x.Type, x.Size = "file", st.Size()
		case st.IsDir():
			x.Type = "directory"
		case st.Mode()&fs.ModeSymlink != 0:
			x.Type = "link"
		}
		d.Entries = append(d.Entries, x)
	}
	return d, nil
}

// firstOf gives the first entries of a directory by name, and how many more there
// are. It never holds many more than it gives, whatever an agent has put there.
func firstOf(f *os.File) (first []os.DirEntry, left int, err error) {
	const some = 1024
	cut := func() {
		slices.SortFunc(first, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		if n := len(first) - mostEntries; n > 0 {
			clear(first[mostEntries:])
			first, left = first[:mostEntries], left+n
		}
	}
	for {
		more, err := f.ReadDir(some)
		if first = append(first, more...); len(first) > 2*mostEntries {
			cut()
		}
		switch {
		case errors.Is(err, io.EOF):
			cut()
			return first, left, nil
		case err != nil:
			return nil, 0, err
		}
	}
}

// looked is how much of a file says whether it is text.
const looked = 8 << 10

// send answers with a file: text as text, all else as something to be saved, so
// that a browser executes none of it.
func send(w http.ResponseWriter, f io.Reader, name string, size int64) {
	head := make([]byte, min(size, looked))
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		fail(w, fmt.Errorf("cannot read the file: %w", reasonOf(err)))
		return
	}
	head = head[:n]
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	kind := "text/plain; charset=utf-8"
	if !isText(head, int64(n) < size) {
		kind = "application/octet-stream"
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	}
	stream(w, kind, func(out io.Writer) error {
		if _, err := out.Write(head); err != nil {
			return err
		}
		_, err := io.CopyN(out, f, size-int64(n))
		if errors.Is(err, io.EOF) { // it became shorter
			return nil
		}
		return err
	})
}

// isText says whether a file that begins so is text. Where more follows, its last
// character may be cut off.
func isText(head []byte, more bool) bool {
	if bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	for more && len(head) > 0 && !utf8.RuneStart(head[len(head)-1]) {
		head = head[:len(head)-1]
	}
	if more && len(head) > 0 && head[len(head)-1] >= utf8.RuneSelf {
		head = head[:len(head)-1]
	}
	return utf8.Valid(head)
}
