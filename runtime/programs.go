package runtime

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/supervisor"
)

// versionFlags is the table of programs that say their version when they are
// asked like this, by name, and do nothing else. No other program is started to
// learn what it is.
var versionFlags = map[string][]string{
	"bash": {"--version"}, "bun": {"--version"}, "deno": {"--version"}, "dotnet": {"--version"},
	"go": {"version"}, "java": {"-version"}, "julia": {"--version"}, "lua": {"-v"}, "node": {"--version"},
	"nodejs": {"--version"}, "perl": {"-e", "print $^V"}, "php": {"--version"}, "pypy": {"--version"}, "python": {"--version"},
	"Rscript": {"--version"}, "ruby": {"--version"}, "uv": {"--version"},
}

// versioned parts a name from a version in it: python3.11.
var versioned = regexp.MustCompile(`^([A-Za-z]+)[0-9.-]*$`)

const (
	// versionPatience is how long a program may take to say its version: the
	// run waits for it.
	versionPatience = 3 * time.Second
	// askedAtOnce is how many are asked for it side by side.
	askedAtOnce = 4
	// smallProgram is the largest file, in bytes, whose hash is always taken.
	smallProgram = 16 << 20
)

// A usedProgram is one that a plan starts from where it lies.
type usedProgram struct {
	path  string
	flags []string // that have it say its version; nil where it may not be asked
}

// started are all programs of a plan that processes are started from, each with
// the kind of its agents; empty for a world's.
func started(p *plan.Plan) iter.Seq2[*plan.Program, string] {
	return func(yield func(*plan.Program, string) bool) {
		if w := p.World.Program; w != nil && !yield(w, "") {
			return
		}
		for i := range p.Entries {
			e := &p.Entries[i]
			if !yield(&e.Program, e.Kind) {
				return
			}
			for _, pol := range e.Policies {
				if s := pol.Substitute; s != nil && !yield(&s.Program, s.Kind) {
					return
				}
			}
		}
	}
}

// used are the programs that a plan starts, each once, by path.
func used(p *plan.Plan) []usedProgram {
	all := map[string]usedProgram{}
	add := func(path string, flags []string) {
		if filepath.IsAbs(path) && all[path].flags == nil {
			all[path] = usedProgram{path, flags}
		}
	}
	for prog, kind := range started(p) {
		k, err := agent.Lookup(kind)
		if len(prog.Command) > 0 && err == nil && k.Tool != nil {
			add(prog.Command[0], k.Tool.Version)
		} else if len(prog.Command) > 0 {
			add(prog.Command[0], nil)
		}
		for _, f := range prog.Files {
			add(f.Interpreter, nil)
		}
	}
	for i := range p.Processes {
		if words := p.Processes[i].Command; len(words) > 0 { // else it is no process
			add(words[0], nil)
		}
	}
	list := make([]usedProgram, 0, len(all))
	for _, u := range all {
		list = append(list, u)
	}
	slices.SortFunc(list, func(a, b usedProgram) int { return strings.Compare(a.path, b.path) })
	return list
}

// identify says which programs these are.
func identify(ctx context.Context, list []usedProgram) []record.Program {
	out := make([]record.Program, len(list))
	slots := make(chan struct{}, askedAtOnce)
	var wg sync.WaitGroup
	for i, u := range list {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			out[i] = u.identify(ctx)
		})
	}
	wg.Wait()
	return out
}

func (u usedProgram) identify(ctx context.Context) record.Program {
	p := record.Program{Path: u.path}
	file, err := filepath.EvalSymlinks(u.path)
	if err != nil {
		p.Error = err.Error()
		return p
	}
	if file != u.path {
		p.File = file
	}
	flags := u.flags
	for _, name := range []string{u.path, file} {
		if m := versioned.FindStringSubmatch(filepath.Base(name)); m != nil && flags == nil {
			flags = versionFlags[m[1]]
		}
	}
	if flags != nil {
		if p.Version = askVersion(ctx, u.path, flags); p.Version != "" {
			return p
		}
	}
	if p.BuildID = largeBuildID(file); p.BuildID != "" {
		return p
	}
	if p.SHA256, err = hashFile(file); err != nil {
		p.Error = err.Error()
	}
	return p
}

// askVersion is the first line that a program says to flags, empty where it says
// none in time. It runs in an empty home that is removed again.
func askVersion(ctx context.Context, path string, flags []string) string {
	home, err := os.MkdirTemp("", "troupe-version-")
	if err != nil {
		return ""
	}
	defer func() { _ = os.RemoveAll(home) }()
	ctx, cancel := context.WithTimeout(ctx, versionPatience)
	defer cancel()
	env := supervisor.Environ(map[string]string{"HOME": home, "TMPDIR": home})
	out, err := supervisor.Output(ctx, append([]string{path}, flags...), env, home)
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(out) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return strings.ToValidUTF8(string(line), "?")
		}
	}
	return ""
}

// largeBuildID is what a linker has called a file that is too large to be
// hashed at each start; empty where it has no name, or is small.
func largeBuildID(file string) string {
	info, err := os.Stat(file)
	if err != nil || info.Size() <= smallProgram {
		return ""
	}
	f, err := elf.Open(file)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	for _, name := range []string{".note.gnu.build-id", ".note.go.buildid"} {
		s := f.Section(name)
		if s == nil {
			continue
		}
		if note, err := s.Data(); err == nil {
			if id := noteText(f, note); id != "" {
				return id
			}
		}
	}
	return ""
}

// noteText is what an ELF note says: text as it is, else in hex.
func noteText(f *elf.File, note []byte) string {
	const head = 12 // the lengths of name and description, and a type
	if len(note) < head {
		return ""
	}
	name, desc := uint64(f.ByteOrder.Uint32(note)), uint64(f.ByteOrder.Uint32(note[4:]))
	from := head + (name+3)&^3
	if desc == 0 || from+desc > uint64(len(note)) {
		return ""
	}
	text := note[from : from+desc]
	for _, c := range text {
		if c < ' ' || c > '~' {
			return hex.EncodeToString(text)
		}
	}
	return string(text)
}

func hashFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("cannot read %s: %w", name, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// host says what machine this is.
func host() record.Host {
	h := record.Host{Processors: goruntime.NumCPU()}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		text := unix.ByteSliceToString
		h.System, h.Kernel, h.Machine = text(u.Sysname[:]), text(u.Release[:]), text(u.Machine[:])
	}
	return h
}
