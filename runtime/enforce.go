package runtime

import (
	"os"
	"path/filepath"
	"strconv"

	"github.com/troupe-dev/troupe/runtime/plan"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/workspace"
)

// cgroups are where the run's processes get control groups; nil where there are
// none to be had, or nobody has a limit that they hold.
func (r *run) cgroups() *workspace.Cgroups {
	if !grouped(r.plan) {
		return nil
	}
	groups, err := workspace.FindCgroups(supervisor.GroupPrefix(r.dir.Dir))
	if err != nil {
		return nil // they are watched, as the manifest says
	}
	return groups
}

// grouped says whether a plan has limits that a control group would hold.
func grouped(p *plan.Plan) bool {
	for i := range p.Entries {
		if l := &p.Entries[i].Limits; l.Memory > 0 || l.Processes > 0 {
			return true
		}
	}
	return false
}

// Enforcement says for each entry of a plan, by its id, how each of its limits
// is held on this machine: by the kernel, which nothing gets past; by the engine,
// or the model gateway, which refuse; or watched, by what is measured now and then. Walls are those that
// stand around its processes.
func Enforcement(p *plan.Plan, walls workspace.Achieved) map[string]map[string]string {
	var groups *workspace.Cgroups
	if grouped(p) {
		// Only the directory's name matters.
		groups, _ = workspace.FindCgroups(supervisor.GroupPrefix(filepath.Join("plan", strconv.Itoa(os.Getpid()))))
	}
	all := map[string]map[string]string{}
	for i := range p.Entries {
		e := &p.Entries[i]
		limits := processLimits(e)
		held := limits.Enforcement(groups, walls.Has("uid"))
		l := &e.Limits
		for name, set := range map[string]bool{
			"usd": l.USD > 0, "turns": l.Turns > 0, "messages": l.Messages > 0, "message_bytes": l.MessageBytes > 0,
		} {
			if set {
				held[name] = byEngine
			}
			if name == "usd" && set && len(e.Gateway) > 0 {
				held[name] = byGateway
			}
		}
		if len(held) > 0 {
			all[e.ID] = held
		}
	}
	return all
}

// byEngine is how limits are held of what passes the engine: before an agent is
// asked, or before its answer counts.
const byEngine = "engine"

// byGateway is how money is held that is spent through the model gateway: a request
// is refused once it is gone.
const byGateway = "gateway"

func processLimits(e *plan.Entry) supervisor.Limits {
	l := &e.Limits
	return supervisor.Limits{
		Memory: int64(l.Memory), CPU: l.CPU, Processes: l.Processes, Files: l.Files,
		FileSize: int64(l.FileSize), Disk: int64(l.Disk), Wall: l.Wall, Log: int64(l.Log),
	}
}
