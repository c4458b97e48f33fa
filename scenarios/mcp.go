package scenarios

import "regexp"

// An MCPServer is one server of the Model Context Protocol that an agent's own tool
// speaks to: a command that the tool starts, or a URL.
type MCPServer struct {
	Command string            `yaml:"command" nonempty:"true"`
	Args    []string          `yaml:"args"`
	Env     map[string]string `yaml:"env"` // beside what the tool's process has
	URL     string            `yaml:"url" nonempty:"true"`
	Type    string            `yaml:"type" enum:"http sse"` // of a URL; default http
	Headers map[string]string `yaml:"headers"`
}

// ownServer is the name of the server that every tool has of the run.
const ownServer = "troupe"

// serverForm is what a server may be called: its tools' names begin with it.
const serverForm = `^[A-Za-z0-9_-]{1,64}$`

var serverShape = regexp.MustCompile(serverForm)

func (s *MCPServer) check(d *decoder, p place, has func(string) bool) {
	switch {
	case has("command") && has("url"):
		d.reportValue(p, "want one of command and url, got both", "command starts a server, url is where one is")
	case !has("command") && !has("url") && !d.strange[follow(p.node)]:
		d.reportValue(p, "want command or url, got neither", "command starts a server, url is where one is")
	case has("command"):
		d.only(p, has, "a server with a url", "type", "headers")
	default:
		d.only(p, has, "a server with a command", "args", "env")
	}
	d.checkEnv(p, has)
}

// only reports keys that only something else has.
func (d *decoder) only(p place, has func(string) bool, owner string, keys ...string) {
	for _, key := range keys {
		if has(key) {
			d.reportKey(p.under(key), "only "+owner+" has this", "")
		}
	}
}

// checkServers reports what servers cannot be called.
func (d *decoder) checkServers(p place) {
	for _, in := range p.members() {
		name := follow(in.key)
		switch {
		case scalarKind(name) != text: // told already
		case name.Value == ownServer:
			d.reportValue(p.at(in.key), "troupe is the server that every agent has anyway", "choose another name")
		case !serverShape.MatchString(name.Value):
			d.reportValue(p.at(in.key), "a server cannot be called that", "letters, digits, _ and -, 64 at most")
		}
	}
}
