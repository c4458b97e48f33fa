package runtime_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ours is the module's path; packages are named by their folder below it.
const ours = "github.com/troupe-dev/troupe"

// arrows says for each package which of our packages it may import. A package
// that is not here may not be there.
var arrows = map[string][]string{
	"bus":               nil,
	"dashboards":        nil,
	"dashboards/build":  nil,
	"scenarios":         nil,
	"scenarios/clients": nil,
	"workspace":         {"workspace/confine"},
	"workspace/confine": nil, // and nothing else: see there

	"scenarios/clients/nats": nil, // a sample

	"runtime/agent/modeltest": nil, // for tests alone

	"runtime/proxy":      nil,
	"runtime/tree":       nil,
	"runtime/socket":     {"runtime/tree"},
	"runtime/mcp":        {"runtime/socket"},
	"runtime/agent":      {"runtime/tree"},
	"runtime/agent/bots": {"runtime/agent"},
	"runtime/world":      {"runtime/agent"},
	"runtime/price":      {"runtime/agent"},
	"runtime/gateway":    {"runtime/agent", "runtime/price", "workspace"},
	"runtime/plan":       {"scenarios", "runtime/agent", "runtime/price", "runtime/tree", "runtime/world"},
	"runtime/record":     {"bus", "runtime/plan", "runtime/agent", "runtime/tree", "workspace"},
	"runtime/supervisor": {"runtime/agent", "runtime/socket", "runtime/tree", "workspace"},

	"runtime/record/export": {"runtime/agent", "runtime/record"},

	"runtime/engine":  {"runtime/plan", "runtime/agent", "runtime/tree", "runtime/world", "runtime/record"},
	"runtime/observe": {"runtime/agent", "runtime/record", "runtime/plan", "runtime/tree", "bus", "workspace"},

	"runtime": {
		"bus", "dashboards", "scenarios", "workspace",
		"runtime/agent", "runtime/engine", "runtime/gateway", "runtime/observe", "runtime/plan", "runtime/proxy",
		"runtime/record", "runtime/supervisor", "runtime/tree", "runtime/world",
	},
	"runtime/bench": {
		"runtime", "bus", "scenarios", "workspace",
		"runtime/agent", "runtime/gateway", "runtime/observe", "runtime/plan", "runtime/price", "runtime/record", "runtime/socket",
	},
	"cmd/troupe": {
		"runtime", "runtime/bench", "bus", "dashboards", "scenarios", "workspace",
		"runtime/agent", "runtime/agent/bots", "runtime/mcp", "runtime/observe", "runtime/plan",
		"runtime/record", "runtime/record/export", "runtime/socket", "runtime/tree", "runtime/world",
	},
}

// owners says who alone may import packages of others, by the beginning of
// their path.
var owners = map[string][]string{
	"github.com/nats-io/":              {"bus", "scenarios/clients/nats"},
	"github.com/prometheus/":           {"runtime/observe"},
	"github.com/grafana/":              {"dashboards/build"}, // a program of its own: troupe is not linked with it
	"github.com/urfave/cli/":           {"cmd/troupe"},
	"github.com/gofrs/flock":           {"workspace", "runtime/socket", "runtime/bench"}, // which measures it
	"github.com/modelcontextprotocol/": {"runtime/mcp"},
	"github.com/parquet-go/":           {"runtime/record/export"},
}

// subjects is how the subjects of the bus begin, and subjectMaker who alone
// writes them.
const (
	subjects     = "troupe."
	subjectMaker = "bus"
	// protocol begins as they do, and is none: the API's for WebSockets.
	protocol = "troupe.v1"
)

// A source is what a Go file says that matters here.
type source struct {
	file    string // below the module's root
	of      string // its package
	test    bool
	imports []string
	texts   []string // its string literals, but for imports
}

func TestLayers(t *testing.T) {
	sources, err := readSources("..")
	if err != nil {
		t.Fatal(err)
	}
	if len(sources) == 0 {
		t.Fatal("found no Go file")
	}
	for _, s := range sources {
		for _, wrong := range s.wrongs() {
			t.Errorf("%s: %s", s.file, wrong)
		}
	}
}

// wrongs says what a file does that the tables do not allow.
func (s source) wrongs() []string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	allowed, known := arrows[s.of]
	if !known {
		add("package %s is not in the table of arrows, which has %s", s.of, strings.Join(slices.Sorted(maps.Keys(arrows)), ", "))
	}
	for _, path := range s.imports {
		folder, inside := strings.CutPrefix(path, ours+"/")
		switch {
		case inside && strings.HasPrefix(folder, "cmd/"):
			add("imports %s: nothing imports a command", folder)
		case s.test:
		case inside && known && !slices.Contains(allowed, folder):
			add("imports %s, which is no arrow of the table: %s may import %s", folder, s.of, list(allowed))
		case !inside:
			for _, prefix := range slices.Sorted(maps.Keys(owners)) {
				if strings.HasPrefix(path, prefix) && !slices.Contains(owners[prefix], s.of) {
					add("imports %s, which is for %s alone", path, list(owners[prefix]))
				}
			}
		}
	}
	for _, text := range s.texts {
		if !s.test && s.of != subjectMaker && strings.HasPrefix(text, subjects) && text != protocol {
			add("writes the subject %q, which is for %s alone", text, subjectMaker)
		}
	}
	return all
}

func list(packages []string) string {
	if len(packages) == 0 {
		return "nothing"
	}
	return strings.Join(packages, ", ")
}

// readSources reads every Go file below a folder, whatever system it is for.
func readSources(root string) ([]source, error) {
	var all []source
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			hidden := name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_"))
			if hidden || base == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		below, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was there a moment ago: an editor's or a build's
		}
		if err != nil {
			return err
		}
		s, err := readSource(filepath.ToSlash(below), text)
		all = append(all, s)
		return err
	})
	return all, err
}

func readSource(file string, text []byte) (source, error) {
	s := source{file: file, of: path.Dir(file), test: strings.HasSuffix(file, "_test.go")}
	tree, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
	if err != nil {
		return s, err
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			name, failed := strconv.Unquote(n.Path.Value)
			err = errors.Join(err, failed)
			s.imports = append(s.imports, name)
			return false
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				value, failed := strconv.Unquote(n.Value)
				err = errors.Join(err, failed)
				s.texts = append(s.texts, value)
			}
		}
		return true
	})
	return s, err
}

// Each rule finds what it is there for.
func TestLayersFindWrongs(t *testing.T) {
	for _, c := range []struct {
		file, text, says string // says is empty where nothing is wrong
	}{
		{"runtime/world/a.go", `import "github.com/troupe-dev/troupe/runtime/agent"`, ""},
		{"runtime/world/a.go", `import p "github.com/troupe-dev/troupe/runtime/plan"`, "runtime/world may import runtime/agent"},
		{"bus/a.go", `import "github.com/troupe-dev/troupe/runtime/agent"`, "bus may import nothing"},
		{"runtime/engine/a.go", `import "github.com/troupe-dev/troupe/runtime/supervisor"`, "no arrow"},
		{"runtime/engine/a_test.go", `import "github.com/troupe-dev/troupe/runtime/supervisor"`, ""},
		{"runtime/a.go", `import "github.com/troupe-dev/troupe/cmd/troupe"`, "nothing imports a command"},
		{"runtime/a_test.go", `import "github.com/troupe-dev/troupe/cmd/troupe"`, "nothing imports a command"},
		{"runtime/spell/a.go", ``, "not in the table"},
		{"bus/a.go", `import "github.com/nats-io/nats-server/v2/server"`, ""},
		{"runtime/record/a.go", `import "github.com/nats-io/nats.go/jetstream"`, "for bus, scenarios/clients/nats alone"},
		{"runtime/record/a_test.go", `import "github.com/nats-io/nats.go"`, ""},
		{"runtime/a.go", `import "github.com/prometheus/client_golang/prometheus"`, "for runtime/observe alone"},
		{"bus/a.go", `const root = "troupe."`, ""},
		{"runtime/observe/a.go", "func f(run string) string { return `troupe.` + run }", "for bus alone"},
		{"runtime/observe/a.go", `const name = "troupe"`, ""},
	} {
		s, err := readSource(c.file, []byte("package a\n"+c.text))
		if err != nil {
			t.Fatal(err)
		}
		wrongs := s.wrongs()
		got := strings.Join(wrongs, "\n")
		if (c.says == "") != (len(wrongs) == 0) || !strings.Contains(got, c.says) {
			t.Errorf("%s with %s: got %q, want %q", c.file, c.text, got, c.says)
		}
	}
}
