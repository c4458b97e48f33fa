package supervisor

import (
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/troupe-dev/troupe/runtime/socket"
	"github.com/troupe-dev/troupe/workspace"
)

// secretDescriptor is where a child finds the secret that it reads from a
// descriptor: the first one after its standard streams.
const secretDescriptor = 3

// viewVariable names the directory in which a process reads the shared tree.
const viewVariable = "TROUPE_SHARED"

// portVariable names the port that a process serves.
const portVariable = "PORT"

// command is a process of an agent as it is to be started, behind the fleet's
// walls. Release is called once it has been started, or not.
func (f *Fleet) command(s *Spec, argv []string, w *workspace.Workspace) (c workspace.Command, release func(), err error) {
	c = workspace.Command{
		Argv: argv, Env: f.environ(s, w), Dir: w.Work,
		Readable: slices.Clone(s.Readable), Connects: s.Connects, Ports: s.Ports, Listens: s.Listens,
	}
	if f.opts.Bin != "" {
		c.Readable = append(c.Readable, f.opts.Bin)
	}
	for name := range s.Texts {
		c.Readable = append(c.Readable, f.opts.Dir.Text(s.ID, name))
	}
	if len(s.View) > 0 {
		c.Readable = append(c.Readable, f.opts.Dir.View(s.ID))
	}
	release, err = f.opts.Walls.Enclose(&c, w)
	return c, release, err
}

// environ is all that an agent's process gets to see of an environment.
func (f *Fleet) environ(s *Spec, w *workspace.Workspace) []string {
	env := map[string]string{
		"HOME":             w.Home,
		"TMPDIR":           w.Tmp,
		"TROUPE_RUN":       f.opts.Run,
		"PYTHONUNBUFFERED": "1",
	}
	if path, err := f.opts.Dir.Socket(s.ID); err == nil {
		env[socket.Variable] = path
	}
	if f.opts.Bin != "" {
		env["PATH"] = f.opts.Bin + string(os.PathListSeparator) + os.Getenv("PATH")
	}
	if len(s.View) > 0 {
		env[viewVariable] = f.opts.Dir.View(s.ID)
	}
	if len(s.Agents) == 1 {
		env["TROUPE_AGENT"] = s.Agents[0].Agent
	}
	if s.Listens > 0 {
		env[portVariable] = strconv.Itoa(s.Listens)
	}
	var tool map[string]string
	if s.Kind.Tool != nil {
		tool = s.Kind.Tool.Env
	}
	secret := map[string]string{}
	for _, x := range s.Secrets {
		if x.Descriptor != "" {
			secret[x.Descriptor] = strconv.Itoa(secretDescriptor)
		} else {
			secret[x.Name] = x.Value
		}
	}
	return Environ(env, tool, s.Env, secret)
}

// Environ makes the environment of a child: the search path and the locale of
// this process, and what the maps hold, the later over the earlier.
func Environ(maps ...map[string]string) []string {
	all := map[string]string{}
	for _, kv := range os.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		if k == "PATH" || k == "LANG" || k == "LANGUAGE" || strings.HasPrefix(k, "LC_") {
			all[k] = v
		}
	}
	for _, m := range maps {
		for k, v := range m {
			all[k] = v
		}
	}
	env := make([]string, 0, len(all))
	for k, v := range all {
		env = append(env, k+"="+v)
	}
	sort.Strings(env)
	return env
}
