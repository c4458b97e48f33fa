package scenarios

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// under is the place of a key of the mapping at p, p itself where the file
// does not have it.
func (p place) under(key string) place {
	for _, in := range p.members() {
		if follow(in.key).Value == key {
			return in
		}
	}
	return p
}

// members are the places of a mapping's values, none of anything else.
func (p place) members() []place {
	n := follow(p.node)
	if n.Kind != yaml.MappingNode {
		return nil
	}
	all := make([]place, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		all = append(all, p.inner(n.Content[i+1], n.Content[i], follow(n.Content[i]).Value))
	}
	return all
}

func (s *Scenario) check(d *decoder, p place, has func(string) bool) {
	if has("name") && (s.Name != "" || scalarKind(follow(p.under("name").node)) == text) {
		d.checkID(p.under("name"), ValidID(s.Name))
	}
	if has("secrets") {
		d.checkSecrets(p.under("secrets"))
	}
	s.checkFaults(d, p)
	if !has("world") && s.Clock.Mode != "realtime" {
		d.reportValue(p, "the key \"world\" is missing", "only with clock: {mode: realtime} may a scenario have none")
	}
	if !has("channels") {
		return
	}
	for _, in := range p.under("channels").members() {
		if scalarKind(follow(in.key)) == text {
			in.node = in.key
			d.checkID(in, validTemplate(follow(in.key).Value))
		}
	}
}

// checkID reports what is wrong with an id.
func (d *decoder) checkID(p place, err error) {
	if err != nil {
		message, hint, _ := strings.Cut(err.Error(), ": ")
		d.reportValue(p, message, hint)
	}
}

func (c *Clock) check(d *decoder, p place, has func(string) bool) {
	if has("quiet") && c.Mode != "realtime" {
		d.reportKey(p.under("quiet"), "only the realtime clock has this", "the lockstep ends with ticks, or when its world is done")
	}
}

func (w *World) check(d *decoder, p place, has func(string) bool) {
	switch {
	case has("kind") && has("command"):
		d.reportValue(p, "want one of kind and command, got both", "kind names a built-in world, command starts one that is a process")
	case !has("kind") && !has("command") && !d.strange[follow(p.node)]:
		d.reportValue(p, "want kind or command, got neither", "kind names a built-in world, command starts one that is a process")
	case has("kind"):
		for _, key := range []string{"files", "env", "timeout"} {
			if has(key) {
				d.reportKey(p.under(key), "only a world with a command has this", "")
			}
		}
	}
	d.checkEnv(p, has)
}

func (e *Entry) check(d *decoder, p place, has func(string) bool) {
	if has("id") && (e.ID != "" || scalarKind(follow(p.under("id").node)) == text) {
		d.checkID(p.under("id"), validTemplate(e.ID))
	}
	if has("replicas") && has("for_each") {
		d.reportKey(p.under("for_each"), "replicas and for_each exclude each other", "for_each makes an agent of each row")
	}
	if has("run") && e.Run != "" {
		d.checkID(p.under("run"), ValidID(e.Run))
	}
	if has("mcp") {
		d.checkServers(p.under("mcp"))
	}
	if e.Max > 0 && e.Max < e.Replicas {
		d.reportValue(p.under("max"), fmt.Sprintf("max is %d, below the %d replicas at the start", e.Max, e.Replicas), "")
	}
	d.checkEnv(p, has)
}

func (s *Substitute) check(d *decoder, p place, has func(string) bool) {
	if !has("kind") && !has("command") && !d.strange[follow(p.node)] {
		d.reportValue(p, "want kind or command, got neither", "")
	}
	d.checkEnv(p, has)
}

// envForm is the name of an environment variable.
const envForm = `^[A-Za-z_][A-Za-z0-9_]*$`

var envShape = regexp.MustCompile(envForm)

func (d *decoder) checkEnv(p place, has func(string) bool) {
	if !has("env") {
		return
	}
	for _, in := range p.under("env").members() {
		if name := follow(in.key); scalarKind(name) == text && !envShape.MatchString(name.Value) {
			d.reportValue(p.under("env").at(in.key), fmt.Sprintf("%q is no name of an environment variable", clip(name.Value)), "letters, digits and _, no digit first")
		}
	}
}

func (x *Expect) check(d *decoder, p place, has func(string) bool) {
	var set []string
	for _, key := range []string{"column", "outcome", "score", "ticks"} {
		if has(key) {
			set = append(set, key)
		}
	}
	switch {
	case len(set) > 1:
		d.reportValue(p, "want one expectation, got "+strings.Join(set, " and "), "write each as an item of its own")
	case len(set) == 0 && !d.strange[follow(p.node)]:
		d.reportValue(p, "want one of column, outcome, score and ticks, got none", "")
	}
}

// check is promoted to every struct that embeds Bounds.
func (b *Bounds) check(d *decoder, p place, has func(string) bool) {
	switch {
	case !has("equals") && !has("min") && !has("max") && !d.strange[follow(p.node)]:
		d.reportValue(p, "want equals, min or max, got none", "")
	case b.Min != nil && b.Max != nil && *b.Min > *b.Max:
		d.reportValue(p.under("max"), fmt.Sprintf("max is %v, below min %v", *b.Max, *b.Min), "")
	}
}
