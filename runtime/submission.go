package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/troupe-dev/troupe/runtime/observe"
	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/scenarios"
	"github.com/troupe-dev/troupe/workspace"
)

// Create implements observe.Server.
func (s *server) Create(ctx context.Context, sub observe.Submission) (string, error) {
	if s.ctx.Err() != nil {
		return "", errStopping
	}
	if sub.Name != "" {
		if err := scenarios.ValidID(sub.Name); err != nil {
			return "", observe.Refuse("the run's name: %v", err)
		}
	}
	path, release, err := s.locate(sub)
	if err != nil {
		return "", err
	}
	defer release()
	p, err := s.expand(path, sub)
	if err != nil {
		return "", err
	}
	j := &job{Since: time.Now().UTC(), Paused: sub.Paused, Speed: sub.Speed, plan: p}
	_, err = s.host.make(ctx, p, Options{Name: sub.Name, Scenario: named(sub), Sets: sub.Set, Models: sub.Models}, func(run string) error {
		j.Run = run
		return s.enqueue(j)
	})
	if err != nil {
		return "", err
	}
	s.admit()
	return j.Run, nil
}

// locate finds the scenario of a submission; release removes what was made for
// that.
func (s *server) locate(sub observe.Submission) (path string, release func(), err error) {
	none := func() {}
	switch {
	case sub.Path != "" && (sub.Scenario != "" || sub.Files != nil):
		return "", none, observe.Refuse("give a path, or a scenario")
	case sub.Path != "" && !filepath.IsAbs(sub.Path):
		return "", none, observe.Refuse("the path %q is not absolute", sub.Path)
	case sub.Path != "":
		return sub.Path, none, nil
	case sub.Scenario == "" || !filepath.IsLocal(filepath.FromSlash(sub.Scenario)):
		return "", none, observe.Refuse("scenario %q is no path of a file below the scenarios", sub.Scenario)
	case sub.Files != nil:
		return s.upload(sub)
	case s.opts.Scenarios == "":
		return "", none, observe.Refuse("this server has no directory of scenarios; send files")
	}
	path = filepath.Join(s.opts.Scenarios, filepath.FromSlash(sub.Scenario))
	if _, err := os.Stat(path); err != nil {
		return "", none, observe.Refuse("there is no scenario %s; GET /v1/scenarios lists them", sub.Scenario)
	}
	return path, none, nil
}

// upload writes the files of a submission into a directory of its own. The run
// copies all that it needs of them.
func (s *server) upload(sub observe.Submission) (path string, release func(), err error) {
	if sub.Files[sub.Scenario] == nil {
		return "", func() {}, observe.Refuse("the files have no %s, which is to be the scenario", sub.Scenario)
	}
	dir, drop, err := workspace.Scratch(filepath.Join(s.host.data, scratchName))
	if err != nil {
		return "", func() {}, err
	}
	release = func() {
		_ = dir.Remove()
		drop()
	}
	for name, content := range sub.Files {
		local := filepath.FromSlash(name)
		if !filepath.IsLocal(local) {
			release()
			return "", func() {}, observe.Refuse("%q is no path of a file beside the scenario", name)
		}
		if err := keepFile(filepath.Join(dir.Dir, local), name, content); err != nil {
			release()
			return "", func() {}, err
		}
	}
	return filepath.Join(dir.Dir, filepath.FromSlash(sub.Scenario)), release, nil
}

// keepFile writes a file of a submission. Names that no files beside each other can
// have are its fault.
func keepFile(at, name string, content []byte) error {
	err := os.MkdirAll(filepath.Dir(at), 0o700)
	if err == nil {
		err = os.WriteFile(at, content, 0o700) // a program among them may be started
	}
	var failed *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed) && slices.Contains(badNames, failed.Err):
		return observe.Refuse("cannot keep %s beside the other files: %v", name, failed.Err)
	}
	return fmt.Errorf("cannot keep %s: %w", name, err)
}

// badNames are what is wrong with the names of files.
var badNames = []error{syscall.EINVAL, syscall.EISDIR, syscall.ENAMETOOLONG, syscall.ENOTDIR}

// expand makes a scenario's plan as this server plays it.
func (s *server) expand(path string, sub observe.Submission) (*plan.Plan, error) {
	scenario, problems := scenarios.Load(path)
	var p *plan.Plan
	if scenario != nil {
		p, problems = plan.Expand(scenario, plan.Options{
			Sets: sub.Set, Seed: sub.Seed, Found: problems, Troupe: s.opts.Troupe, Shared: workspace.InSystem,
			Modelless: sub.Models != nil && !sub.Models.Onward,
			Survey: func(p *plan.Plan) error {
				_, err := Survey(p, s.host.data)
				return err
			},
		})
	}
	if len(problems) > 0 {
		told := make([]string, len(problems))
		for i := range problems {
			told[i] = strings.ReplaceAll(problems[i].String(), filepath.Dir(path)+string(filepath.Separator), "")
		}
		return nil, &observe.ProblemsError{Problems: told}
	}
	p.Durability = plan.DurableProcess
	if s.opts.Sync {
		p.Durability = plan.DurableMachine
	}
	if _, err := readSecrets(p); err != nil {
		return nil, observe.Refuse("%v", err)
	}
	return p, nil
}

// make makes a run that is to be played later: its directory, with copies of
// all that it needs, and its empty log. Made is told its name while nobody else
// can take it up.
func (h *Host) make(ctx context.Context, p *plan.Plan, o Options, made func(run string) error) (string, error) {
	r := &run{plan: p, opts: o, host: h, live: observe.NewLive(func() {})}
	r.live.Waits = true
	defer r.stop()
	defer r.live.Over()
	if err := r.open(ctx, h.data); err != nil {
		return "", err
	}
	return r.name, made(r.name)
}

// resume goes on with a run, as Resume does.
func (h *Host) resume(ctx context.Context, o Options, limits []string) (*Result, error) {
	o.Data = h.opts.Data
	r, err := resumed(o, limits)
	if err == nil {
		r.secrets, err = readSecrets(r.plan)
	}
	if err != nil {
		h.keepUnplayed(o.Name, err)
		return nil, err
	}
	return h.execute(ctx, r)
}

// named is how a submission calls its scenario.
func named(sub observe.Submission) string {
	if sub.Path != "" {
		return sub.Path
	}
	return sub.Scenario
}
