package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/workspace"
)

// templates are those of a plan, each directory once.
func templates(p *plan.Plan) []*plan.Template {
	var all []*plan.Template
	seen := map[string]bool{}
	for i := range p.Entries {
		w := p.Entries[i].Workspace
		if w != nil && w.Template != nil && !seen[w.Template.Dir] {
			seen[w.Template.Dir] = true
			all = append(all, w.Template)
		}
	}
	return all
}

// installTemplates brings the templates of the plan's workspaces into the run. A
// fork takes over those that its parent has.
func (r *run) installTemplates(ctx context.Context) (cloned []record.Clone, err error) {
	for _, t := range templates(r.plan) {
		if t.Git != "" {
			c, err := r.clone(ctx, t)
			if err != nil {
				return nil, err
			}
			cloned = append(cloned, c)
			continue
		}
		copies := make([]workspace.Copy, len(t.Files))
		for i, f := range t.Files {
			copies[i] = copyOf(f)
			copies[i].Source = r.forking.locate(f.SHA256, f.Source)
		}
		if err := r.dir.Install(t.Dir, copies); err != nil {
			return nil, err
		}
	}
	return cloned, nil
}

// clone makes the one clone that the workspaces of an entry are copies of: so
// each has a repository of its own, and no two are made of another at a time.
func (r *run) clone(ctx context.Context, t *plan.Template) (record.Clone, error) {
	c := record.Clone{Dir: t.Dir, Git: t.Git, Ref: t.Ref}
	if r.forking != nil {
		had := r.forking.parent.Clones
		if i := slices.IndexFunc(had, func(x record.Clone) bool { return x.Git == t.Git && x.Ref == t.Ref }); i >= 0 {
			c.Commit = had[i].Commit
			return c, r.dir.AdoptTemplate(r.forking.dir, had[i].Dir, t.Dir)
		}
	}
	var err error
	if c.Commit, err = cloneTo(ctx, t, r.dir.Program(t.Dir)); err == nil {
		err = r.checkLinks(t)
	}
	if err != nil {
		return c, fmt.Errorf("cannot clone %s: %w", t.Git, err)
	}
	return c, nil
}

// checkLinks refuses a repository whose links lead out of it.
func (r *run) checkLinks(t *plan.Template) error {
	links, err := r.dir.Links(t.Dir)
	if err != nil {
		return err
	}
	for _, link := range slices.Sorted(maps.Keys(links)) {
		if plan.Escapes(link, links[link]) {
			return fmt.Errorf("its link %s leads out of it, to %s", link, links[link])
		}
	}
	return nil
}

// cloneTo clones a repository and checks its ref out, and says which commit that
// is. Nothing of it is shared, and no hook runs.
func cloneTo(ctx context.Context, t *plan.Template, dir string) (commit string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // agents of other uids read it
		return "", err
	}
	if _, err := git(ctx, dir, "clone", "--quiet", "--no-hardlinks", "--dissociate", "--template=", "--", t.Git, "."); err != nil {
		return "", err
	}
	if t.Ref != "" {
		if _, err := git(ctx, dir, "checkout", "--quiet", t.Ref, "--"); err != nil {
			return "", err
		}
	}
	return git(ctx, dir, "rev-parse", "--verify", "HEAD^{commit}")
}

// git runs a command of git's in a directory, and gives what it says.
func git(ctx context.Context, dir string, words ...string) (string, error) {
	path, err := exec.LookPath("git")
	if err != nil {
		return "", err
	}
	env := append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_LFS_SKIP_SMUDGE=1", "GIT_ALLOW_PROTOCOL=file:git:http:https:ssh", "LC_ALL=C")
	argv := append([]string{path, "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"}, words...)
	out, err := supervisor.Output(ctx, argv, slices.DeleteFunc(env, isRepository), dir)
	text := strings.TrimSpace(string(out))
	if err != nil && text != "" {
		err = errors.New(text)
	}
	return text, err
}

// ofRepository are the variables that have git work on another repository than the
// one that it is in, or on part of one: those of git rev-parse --local-env-vars that
// are no settings.
var ofRepository = []string{
	"GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE",
	"GIT_NAMESPACE", "GIT_NO_REPLACE_OBJECTS", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE",
}

func isRepository(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return slices.Contains(ofRepository, name)
}

// template is where the run has what an entry's workspaces begin as; empty for
// nothing.
func (f *fleet) template(e *plan.Entry) string {
	if e.Workspace == nil || e.Workspace.Template == nil {
		return ""
	}
	return f.dir.Program(e.Workspace.Template.Dir)
}

// installTemplates shares the run's templates with the scratch directory.
func (r *recorded) installTemplates() error {
	for _, t := range templates(&r.manifest.Plan) {
		if err := r.scratch.AdoptTemplate(r.dir, t.Dir, t.Dir); err != nil {
			return err
		}
	}
	return nil
}

// tidy does with the workspaces of a run that is over what the plan says. Nothing
// works in them any more. It may be done again.
func (r *run) tidy(res *Result) error {
	if res == nil || res.Status == observe.Interrupted {
		return nil
	}
	failed := res.Status == observe.Aborted || res.Missed()
	processes, err := r.dir.Processes()
	errs := []error{err}
	for _, id := range processes {
		w := r.workspaceOf(id)
		if w == nil || w.Keep == plan.KeepFailed && failed {
			continue
		}
		if leave := leaving[w.Keep]; leave != nil {
			errs = append(errs, leave(r.dir, id))
		}
	}
	return errors.Join(errs...)
}

// workspaceOf is what the plan says of a process's workspace; nil for nothing.
func (r *run) workspaceOf(process string) *plan.Workspace {
	for i := range r.plan.Processes {
		if p := &r.plan.Processes[i]; p.ID == process {
			return r.plan.Entries[p.Entry].Workspace
		}
	}
	id := process // of an agent that came later, or of what stood in for one
	if i := strings.LastIndex(process, plan.InStead); i > 0 && r.plan.SubstituteID(process[:i]) == process {
		id = process[:i]
	}
	entry, ok := r.plan.EntryOf(id)
	if !ok {
		return nil
	}
	return r.plan.Entries[entry].Workspace
}

// leaving is what is done with a workspace that is not kept as it is.
var leaving = map[string]func(workspace.Run, string) error{
	plan.KeepFailed:  workspace.Run.Discard,
	plan.KeepNever:   workspace.Run.Discard,
	plan.KeepArchive: workspace.Run.Archive,
}
