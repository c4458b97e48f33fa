package plan

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/tree"
	"github.com/troupe-dev/troupe/scenarios"
)

// SharedDir is the directory of the copies of what the shared tree begins with.
const SharedDir = "shared"

// Shared is the tree of files that all agents have in common.
type Shared struct {
	Files []SharedFile `json:"files"`           // by path
	Paths []PathRule   `json:"paths,omitempty"` // those that count before others first
}

// A SharedFile is one that the tree begins with; its Path is the tree's.
type SharedFile struct {
	File
	Size int64 `json:"size"`
}

// A PathRule says who may do what with the paths of a pattern; nil for all.
type PathRule struct {
	Pattern string   `json:"pattern"`
	Read    []string `json:"read"`
	Write   []string `json:"write"`
}

// MayRead says whether an agent may check a path out.
func (s *Shared) MayRead(agent, path string) bool {
	return s.may(agent, path, func(r *PathRule) []string { return r.Read })
}

// MayWrite says whether an agent may commit to a path.
func (s *Shared) MayWrite(agent, path string) bool {
	return s.may(agent, path, func(r *PathRule) []string { return r.Write })
}

func (s *Shared) may(agent, path string, who func(*PathRule) []string) bool {
	for i := range s.Paths {
		if r := &s.Paths[i]; tree.Match(r.Pattern, path) {
			patterns := who(r)
			return patterns == nil || slices.ContainsFunc(patterns, func(p string) bool { return scenarios.Match(p, agent) })
		}
	}
	return true
}

// Template is the program whose copies are what the tree begins with.
func (s *Shared) Template() *Program {
	p := &Program{Dir: SharedDir}
	for i := range s.Files {
		p.Files = append(p.Files, s.Files[i].File)
	}
	return p
}

// makeShared finds what the shared tree begins with, and its rules.
func (m *maker) makeShared() {
	if m.s.Shared == nil {
		return
	}
	s := &Shared{Files: []SharedFile{}}
	if from := m.s.Shared.From; from != "" {
		s.Files = m.sharedFiles(from)
	}
	for _, pattern := range slices.Sorted(maps.Keys(m.s.Shared.Paths)) {
		rule := m.s.Shared.Paths[pattern]
		at := "shared.paths." + pattern
		m.pathPattern(at+":", pattern)
		for key, ids := range map[string][]string{".read": rule.Read, ".write": rule.Write} {
			for i, id := range ids {
				m.mustMatch(fmt.Sprintf("%s%s[%d]", at, key, i), id)
			}
		}
		s.Paths = append(s.Paths, PathRule{Pattern: strings.TrimSuffix(pattern, "/"), Read: rule.Read, Write: rule.Write})
	}
	slices.SortStableFunc(s.Paths, func(a, b PathRule) int { return len(b.Pattern) - len(a.Pattern) })
	m.plan.Shared = s
}

// reads are the paths of the shared tree that processes of a variant read directly.
// Who is told its past again would find what is there now in place of what was.
func (m *maker) reads(v *variant, kind agent.Kind, state string) []string {
	if len(v.entry.Shared) == 0 || !kind.Reads("shared") {
		return nil
	}
	if m.s.Shared == nil {
		v.problem(".shared", "the scenario has no shared tree", "say shared: {} beside agents, or leave this out")
		return nil
	}
	if state == "reobserve" || state == "snapshot" {
		v.problem(".shared", fmt.Sprintf("an agent that comes back by state %s cannot read the shared tree directly: told its past again, it would find the files as they are now", state),
			"leave this out and use troupe checkout, which gives them as they were, or say state: none")
	}
	var paths []string
	for i, p := range v.entry.Shared {
		if p = strings.TrimSuffix(p, "/"); p != "." {
			if err := tree.CheckPath(p); err != nil {
				v.problem(fmt.Sprintf(".shared[%d]", i), err.Error(), "name files or directories of the tree, or . for all of it")
			}
		}
		paths = append(paths, p)
	}
	return paths
}

// pathPattern reports a pattern that can cover no path.
func (m *maker) pathPattern(at, pattern string) {
	hint := "name files or folders of the tree, such as notice-board.md or notes/**"
	if err := tree.CheckPath(strings.TrimSuffix(pattern, "/")); err != nil {
		m.problemAt(at, err.Error(), hint)
		return
	}
	for segment := range strings.SplitSeq(pattern, "/") {
		if _, err := path.Match(segment, ""); err != nil {
			m.problemAt(at, fmt.Sprintf("%q is not a pattern", pattern), hint)
			return
		}
	}
}

// sharedFiles lists the files below a directory beside the scenario. Those that
// begin with a dot are left out.
func (m *maker) sharedFiles(from string) []SharedFile {
	const at = "shared.from"
	files := []SharedFile{}
	if filepath.IsAbs(from) || strings.ContainsRune(from, 0) {
		m.problemAt(at, fmt.Sprintf("%q is not relative to the scenario", from), "name a directory beside the scenario, such as templates/town")
		return files
	}
	root := m.find.path(from)
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		m.problemAt(at, fmt.Sprintf("no such directory beside the scenario: %s", from), "it is looked for in "+m.find.home())
		return files
	}
	names, err := glob(root, "**")
	if err != nil {
		m.problemAt(at, "cannot list its files: "+err.Error(), "")
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		file, err := m.find.open(filepath.Join(from, filepath.FromSlash(name)))
		var info os.FileInfo
		if err == nil {
			info, err = os.Stat(file.Source)
		}
		if err == nil {
			err = tree.CheckPath(name)
		}
		if err != nil {
			m.problemAt(at, fmt.Sprintf("cannot take %s: %v", name, err), "")
			continue
		}
		file.Path = name
		files = append(files, SharedFile{file, info.Size()})
	}
	return files
}
