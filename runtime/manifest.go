package runtime

import (
	"context"
	"encoding/hex"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/record"
	"github.com/troupe-dev/troupe/workspace"
)

// manifest copies what the scenario is made of and writes plan.json, which says
// all that somebody else needs to play it again.
func (r *run) manifest(ctx context.Context) error {
	for _, p := range allPrograms(r.plan) {
		copies := make([]workspace.Copy, len(p.Files))
		for i, f := range p.Files {
			copies[i] = copyOf(f)
			copies[i].Source = r.forking.locate(f.SHA256, f.Source)
		}
		if err := r.dir.Install(p.Dir, copies); err != nil {
			return err
		}
	}
	cloned, err := r.installTemplates(ctx)
	if err != nil {
		return err
	}
	scenario, err := r.keepScenario()
	if err != nil {
		return err
	}
	genesis := r.plan.Genesis()
	m := &record.Manifest{
		Run: r.name, Started: time.Now().UTC(), Troupe: version(), Genesis: hex.EncodeToString(genesis[:]),
		Isolation: r.walls.Achieved(), Scenario: r.opts.Scenario,
		Host: host(), Programs: identify(ctx, used(r.plan)), Recorded: r.kept, Models: r.opts.Models, Clones: cloned, Limits: Enforcement(r.plan, r.walls.Achieved()), Plan: *r.plan,
	}
	if scenario != "" {
		m.SHA256 = r.plan.Sources[0].SHA256
		m.Rerun = []string{"troupe", "run", scenario, "--seed", strconv.FormatUint(r.plan.Seed, 10)}
		for _, s := range r.opts.Sets {
			m.Rerun = append(m.Rerun, "--set", s)
		}
	}
	return record.WriteManifest(r.dir.Manifest(), m)
}

func copyOf(f plan.File) workspace.Copy {
	return workspace.Copy{Source: f.Source, Path: f.Path, SHA256: f.SHA256, Exec: f.Exec, Dir: f.Dir, Link: f.Link}
}

// keepScenario copies the scenario into the run, with all files that it names
// where they lie beside it, and says where its copy is below the run's
// directory; empty where there is no file to copy.
func (r *run) keepScenario() (string, error) {
	files := scenarioFiles(r.plan)
	if len(files) == 0 {
		return "", nil
	}
	for i := range files {
		files[i].Source = r.forking.locate(files[i].SHA256, files[i].Source)
	}
	if err := r.dir.KeepScenario(files); err != nil {
		return "", err
	}
	return path.Join(filepath.Base(r.dir.Scenario()), files[0].Path), nil
}

// scenarioFiles are all files that a scenario is made of, its own first. Names
// that climb out of its directory need room above its copy: as many of the
// directories that it lies in are kept.
func scenarioFiles(p *plan.Plan) []workspace.Copy {
	if len(p.Sources) == 0 {
		return nil
	}
	dir := filepath.Dir(p.Sources[0].Source)
	var files []workspace.Copy
	at := map[string]int{} // of a source
	add := func(f plan.File, installed string) {
		rel, err := filepath.Rel(dir, f.Source)
		if i, ok := at[f.Source]; ok {
			files[i].Exec = files[i].Exec || f.Exec
			return
		} else if err != nil {
			return // both are absolute: not on the systems that there are
		}
		at[f.Source] = len(files)
		files = append(files, workspace.Copy{Source: f.Source, Path: filepath.ToSlash(rel), SHA256: f.SHA256, Exec: f.Exec, Installed: installed, Dir: f.Dir, Link: f.Link})
	}
	for _, f := range p.Sources {
		add(f, "")
	}
	for _, prog := range programs(p) {
		for _, f := range prog.Files {
			add(f, path.Join(prog.Dir, f.Path))
		}
	}
	for _, t := range templates(p) {
		for _, f := range t.Files {
			add(f, path.Join(t.Dir, f.Path))
		}
	}
	climbs := 0
	for _, f := range files {
		climbs = max(climbs, strings.Count(f.Path+"/", "../"))
	}
	above := strings.Split(strings.Trim(filepath.ToSlash(dir), "/"), "/")
	above = above[max(len(above)-climbs, 0):]
	for i := range files {
		files[i].Path = path.Join(path.Join(above...), files[i].Path)
	}
	return files
}
