package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/scenarios"
)

// mostInTemplate is how many files, links and directories a template may have:
// the plan lists each.
const mostInTemplate = 10_000

// workspace is what the directories of a variant begin as; nil where the scenario
// says nothing of them.
func (m *maker) workspace(v *variant, kind agent.Kind) *Workspace {
	w := v.entry.Workspace
	if w == nil || !kind.Reads("workspace") {
		return nil
	}
	out := &Workspace{Keep: or(w.Keep, KeepAlways)}
	switch from := w.From; {
	case from == nil:
	case from.Git != "":
		out.Template = &Template{Dir: v.dir + ".template", Git: m.repository(from, v.problem), Ref: from.Ref}
	case from.Dir != "":
		out.Template = &Template{Dir: v.dir + ".template", Files: m.template(from.Dir, v.problem)}
	}
	return out
}

// template lists what is in a directory beside the scenario.
func (m *maker) template(name string, wrong report) (list []File) {
	const at = ".workspace.from"
	if filepath.IsAbs(name) {
		wrong(at, fmt.Sprintf("%s is not relative to the scenario", name), "put the directory beside the scenario")
		return nil
	}
	root := m.find.path(name)
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		wrong(at, fmt.Sprintf("no directory %s beside the scenario", name), "it is looked for in "+m.find.home())
		return nil
	}
	err := filepath.WalkDir(filepath.Clean(root)+string(filepath.Separator), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if len(list) == mostInTemplate {
			return fmt.Errorf("it has more than %d files: make it a git repository, and say {git: %s}", mostInTemplate, name)
		}
		file, err := m.find.node(path, below, e)
		list = append(list, file)
		return err
	})
	if err != nil {
		wrong(at, fmt.Sprintf("cannot use %s as a template: %v", name, err), "")
		return nil
	}
	return list
}

// node is an entry of a template.
func (f *finder) node(path, below string, e fs.DirEntry) (File, error) {
	file := File{Source: path, Path: filepath.ToSlash(below)}
	switch e.Type() {
	case fs.ModeDir:
		file.Dir = true
	case fs.ModeSymlink:
		target, err := os.Readlink(path)
		if err != nil {
			return file, err
		}
		if Escapes(file.Path, target) {
			return file, fmt.Errorf("the link %s leads out of it, to %s", below, target)
		}
		file.Link = filepath.ToSlash(target)
	case 0:
		read, ok := f.read[path]
		if !ok {
			read.file, read.err = hash(path)
			f.read[path] = read
		}
		file.SHA256, file.Exec = read.file.SHA256, read.file.Exec
		return file, read.err
	default:
		return file, fmt.Errorf("%s is neither a file nor a directory nor a link", below)
	}
	return file, nil
}

// Escapes says whether a symbolic link of a template may lead out of it: path is the
// link's, below the template and with slashes. One with a .. behind a name counts as
// such, since that name may be a link too.
func Escapes(link, target string) bool {
	if path.IsAbs(target) || filepath.IsAbs(target) {
		return true
	}
	depth, down := strings.Count(link, "/"), false
	for _, name := range strings.Split(filepath.ToSlash(target), "/") {
		switch {
		case name == "" || name == ".":
		case name != "..":
			down = true
		case down || depth == 0:
			return true
		default:
			depth--
		}
	}
	return false
}

// remote is how a repository is named that is not a path.
var remote = regexp.MustCompile(`^([a-z+]+://|[^/]+:)`)

// repository is where git finds one.
func (m *maker) repository(t *scenarios.Template, wrong report) string {
	const at = ".workspace.from"
	if _, err := m.find.program("git"); err != nil {
		wrong(at, "a repository needs the program git, which is not in PATH", "install it: apt-get install git")
	}
	for key, value := range map[string]string{".git": t.Git, ".ref": t.Ref} {
		if strings.HasPrefix(value, "-") || strings.ContainsRune(value, 0) {
			wrong(at+key, fmt.Sprintf("%q is no name in git", value), "")
			return ""
		}
	}
	if remote.MatchString(t.Git) {
		if u, err := url.Parse(t.Git); err == nil && u.User != nil {
			if _, secret := u.User.Password(); secret {
				wrong(at+".git", "the address has a password in it, which every agent and the run's record would have", "let a credential helper of git's give it")
			}
		}
		return t.Git
	}
	path := t.Git
	if !filepath.IsAbs(path) {
		path = m.find.path(path)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		wrong(at+".git", fmt.Sprintf("no repository %s beside the scenario", t.Git), "it is looked for in "+m.find.home())
	}
	return path
}

// sameWorkspace says whether two entries' processes begin with the same files.
func sameWorkspace(a, b *Workspace) bool {
	s, t := a.template(), b.template()
	if s == nil || t == nil {
		return s == t
	}
	return s.Git == t.Git && s.Ref == t.Ref && slices.EqualFunc(s.Files, t.Files, sameFile)
}

func (w *Workspace) template() *Template {
	if w == nil {
		return nil
	}
	return w.Template
}
