package runtime

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/scenarios"
	"github.com/troupe-dev/troupe/workspace"
)

// mostOffered is how many scenarios of a directory are told of.
const mostOffered = 1000

// Scenarios implements observe.Server: the files *.yaml of the directory, and of
// those right below it, which are scenarios.
func (s *server) Scenarios(ctx context.Context) ([]observe.Scenario, error) {
	list := []observe.Scenario{}
	if s.opts.Scenarios == "" {
		return list, nil
	}
	for _, pattern := range []string{"*.yaml", "*/*.yaml"} {
		names, err := fs.Glob(os.DirFS(s.opts.Scenarios), pattern)
		if err != nil {
			return nil, fmt.Errorf("cannot list the scenarios: %w", err)
		}
		for _, name := range names {
			if ctx.Err() != nil || len(list) == mostOffered {
				return list, ctx.Err()
			}
			if o, ok := s.offer(name); ok {
				list = append(list, o)
			}
		}
	}
	return list, nil
}

// offer describes a file that is a scenario.
func (s *server) offer(name string) (o observe.Scenario, ok bool) {
	path := filepath.Join(s.opts.Scenarios, filepath.FromSlash(name))
	scenario, problems := scenarios.Load(path)
	if scenario == nil || len(scenario.Agents) == 0 {
		return o, false // another YAML file
	}
	o = observe.Scenario{Scenario: name, Name: scenario.Name, Description: firstComment(path)}
	p, problems := plan.Expand(scenario, plan.Options{Found: problems, Troupe: s.opts.Troupe, Shared: workspace.InSystem})
	o.Invalid = len(problems) > 0
	if !o.Invalid {
		o.Agents = len(p.Agents)
	}
	return o, true
}

// firstComment is the comment that a file begins with.
func firstComment(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	var words []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, is := strings.CutPrefix(lines.Text(), "#")
		if !is || strings.TrimSpace(text) == "" && len(words) > 0 {
			break
		}
		words = append(words, strings.Fields(text)...)
	}
	return strings.Join(words, " ")
}
