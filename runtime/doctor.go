package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/troupe-dev/troupe/bus"
	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/supervisor"
	"github.com/troupe-dev/troupe/workspace"
)

// How a finding is meant.
const (
	Sound   = "good"
	Lacking = "lacks" // something that not all runs need
	Unfit   = "bad"   // no run can do without it
)

// A Finding is what one look at the machine came to.
type Finding struct {
	Name   string `json:"name"`
	State  string `json:"state"` // Sound, Lacking or Unfit
	Found  string `json:"found"`
	Change string `json:"change,omitempty"` // what would be better, and how to get there
}

// An examination is one look at the machine; data is an absolute path.
type examination struct {
	name string
	look func(ctx context.Context, data string) Finding
}

// examinations are all there are but those of tools, in the order in which they
// are shown.
var examinations = []examination{
	{"system", lookAtSystem},
	{"capabilities", lookAtCapabilities},
	{"uid", func(_ context.Context, data string) Finding { return lookAtTier("uid", data) }},
	{"landlock", lookAtLandlock},
	{"mptcp", lookAtMPTCP},
	{"cgroup", lookAtCgroup},
	{"descriptors", lookAtDescriptors},
	{"processes", lookAtProcesses},
	{"git", func(ctx context.Context, _ string) Finding {
		return lookForProgram(ctx, "git", []string{"--version"}, "install it where agents are to work in repositories")
	}},
	{"disk", lookAtDisk},
	{"store", lookAtStore},
}

// Examine looks at the machine and at a data directory, which need not be there:
// what runs need of them, and what walls and limits do.
func Examine(ctx context.Context, data string) ([]Finding, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return nil, fmt.Errorf("cannot use the data directory: %w", err)
	}
	var all []Finding
	add := func(name string, f Finding) {
		f.Name = name
		all = append(all, f)
	}
	for _, e := range examinations {
		add(e.name, e.look(ctx, data))
	}
	for _, name := range agent.Kinds() {
		if k, err := agent.Lookup(name); err == nil && k.Tool != nil {
			add(name, lookForProgram(ctx, k.Tool.Program, k.Tool.Version, "for agents of kind "+name+": "+k.Tool.Install))
		}
	}
	return all, nil
}

func lookAtSystem(context.Context, string) Finding {
	h := host()
	f := Finding{State: Sound, Found: fmt.Sprintf("%s %s, %s, %d processors", h.System, h.Kernel, h.Machine, h.Processors)}
	if h.System != "Linux" {
		f.State, f.Change = Lacking, "walls and limits take Linux: use a container there"
	}
	return f
}

// lookAtTier says whether a tier of isolation can stand.
func lookAtTier(name, data string) Finding {
	if a, err := workspace.Survey(name, &workspace.Site{Data: data}); err != nil {
		return Finding{State: Lacking, Found: a.Missing[name], Change: "isolation auto does without it"}
	}
	return Finding{State: Sound, Found: "each process can have a user of its own"}
}

func lookAtLandlock(_ context.Context, data string) Finding {
	f := lookAtTier("landlock", data)
	v := workspace.LandlockABI()
	if f.State == Sound {
		f.Found = fmt.Sprintf("version %d", v)
	}
	if f.State == Sound && v < workspace.WholeLandlock {
		f.State = Lacking
		f.Change = fmt.Sprintf("version %d (Linux 6.12) restricts ports, signals and abstract sockets too", workspace.WholeLandlock)
	}
	return f
}

func lookAtMPTCP(context.Context, string) Finding {
	text, err := os.ReadFile("/proc/sys/net/mptcp/enabled")
	if err == nil && strings.TrimSpace(string(text)) != "0" {
		return Finding{State: Lacking, Found: "MPTCP is enabled: it passes by Landlock's rules for TCP", Change: "sysctl -w net.mptcp.enabled=0"}
	}
	return Finding{State: Sound, Found: "MPTCP, which passes by Landlock's rules for TCP, is off"}
}

// lookAtCgroup makes a control group with limits as a run would, and says why the
// kernel does not hold them.
func lookAtCgroup(context.Context, string) Finding {
	groups, err := workspace.FindCgroups(supervisor.GroupPrefix(filepath.Join("doctor", strconv.Itoa(os.Getpid()))))
	if err != nil {
		return Finding{State: Lacking, Found: err.Error(),
			Change: "limits of memory and of processes are watched instead of enforced; a container with --cgroupns=private and a writable /sys/fs/cgroup has them enforced"}
	}
	return Finding{State: Sound, Found: groups.String()}
}

// mostProcessDescriptors is how many descriptors of the supervisor a process of
// agents takes.
const mostProcessDescriptors = 5

func lookAtDescriptors(context.Context, string) Finding {
	const few = 4096
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return Finding{State: Lacking, Found: err.Error()}
	}
	f := Finding{State: Sound, Found: fmt.Sprintf("%d, enough for %d processes of agents", l.Max, l.Max/mostProcessDescriptors)}
	if l.Max < few {
		f.State, f.Change = Lacking, fmt.Sprintf("ulimit -n %d, or --ulimit nofile=%d:%d for a container", few, few, few)
	}
	return f
}

func lookForProgram(ctx context.Context, name string, flags []string, install string) Finding {
	path, err := exec.LookPath(name)
	if err != nil {
		return Finding{State: Lacking, Found: "there is no " + name + " in PATH", Change: install}
	}
	f := Finding{State: Sound, Found: path}
	if v := askVersion(ctx, path, flags); v != "" {
		f.Found += ", " + v
	}
	return f
}

func lookAtDisk(_ context.Context, data string) Finding {
	const little = 1 << 30
	at := nearest(data)
	var st unix.Statfs_t
	if err := unix.Statfs(at, &st); err != nil {
		return Finding{State: Unfit, Found: fmt.Sprintf("cannot look at %s: %v", at, err), Change: "use another directory: --data DIR"}
	}
	free := st.Bavail * uint64(st.Bsize) //nolint:gosec // its type differs between systems; never negative
	f := Finding{State: Sound, Found: fmt.Sprintf("%d MiB free at %s", free>>20, at)}
	switch {
	case free < leastRoom:
		f.State, f.Change = Unfit, "make room, or use another directory: --data DIR"
	case free < little:
		f.State, f.Change = Lacking, "a long run may need more: make room, or use another directory: --data DIR"
	}
	return f
}

// nearest is the data directory, or what is there of the way to it.
func nearest(data string) string {
	for {
		if _, err := os.Stat(data); !errors.Is(err, fs.ErrNotExist) || data == filepath.Dir(data) {
			return data
		}
		data = filepath.Dir(data)
	}
}

// lookAtStore starts a store beside the data directory's own.
func lookAtStore(_ context.Context, data string) Finding {
	at := nearest(data)
	bad := func(err error) Finding {
		return Finding{State: Unfit, Found: err.Error(), Change: "use a directory that can be written: --data DIR"}
	}
	dir, err := os.MkdirTemp(at, ".doctor-")
	if err != nil {
		return bad(fmt.Errorf("cannot write in %s: %w", at, err))
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b, err := bus.Start(bus.Options{Dir: dir, Room: leastRoom})
	if err != nil {
		return bad(err)
	}
	defer b.Close()
	s, err := b.CreateStream("doctor")
	if err != nil {
		return bad(err)
	}
	s.Close()
	return Finding{State: Sound, Found: "runs can be stored in " + data}
}
