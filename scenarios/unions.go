package scenarios

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// durationForm is what a duration looks like.
const durationForm = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`

var durationShape = regexp.MustCompile(durationForm)

func (t *Duration) decode(d *decoder, p place) bool {
	const want = "a duration such as 500ms, 5s or 2m"
	n := follow(p.node)
	if scalarKind(n) != text {
		d.mismatch(p, want)
		return false
	}
	length, err := time.ParseDuration(n.Value)
	switch {
	case err != nil || !durationShape.MatchString(n.Value):
		d.reportValue(p, fmt.Sprintf("want %s, got %q", want, clip(n.Value)), "")
		return false
	case length <= 0:
		d.reportValue(p, fmt.Sprintf("want a duration above 0, got %s", clip(n.Value)), "")
		return false
	}
	*t = Duration(length)
	return true
}

// sizeForm is what a number of bytes looks like.
const sizeForm = `^[1-9][0-9]*(B|KiB|MiB|GiB|TiB)$`

var sizeShape = regexp.MustCompile(sizeForm)

func (s *Size) decode(d *decoder, p place) bool {
	const want = "a number of bytes such as 64KiB, 512MiB or 2GiB"
	n := follow(p.node)
	if scalarKind(n) != text && scalarKind(n) != anInteger {
		d.mismatch(p, want)
		return false
	}
	size, ok := ParseSize(n.Value)
	if !ok {
		d.reportValue(p, fmt.Sprintf("want %s, got %q", want, clip(n.Value)), "")
		return false
	}
	*s = Size(size)
	return true
}

// ParseSize reads a number of bytes with its unit.
func ParseSize(text string) (bytes int64, ok bool) {
	parts := sizeShape.FindStringSubmatch(text)
	if parts == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(text, parts[1]), 10, 64)
	shift := map[string]int{"B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}[parts[1]]
	if err != nil || n > math.MaxInt64>>shift {
		return 0, false
	}
	return n << shift, true
}

// rowsForm is what the name of a file of rows ends with.
const rowsForm = `\.(csv|jsonl)$`

func (r *Rows) decode(d *decoder, p place) bool {
	*r = Rows{}
	n := follow(p.node)
	switch {
	case n.Kind == yaml.SequenceNode:
		if !d.decode(p, &r.List) {
			return false
		}
		if len(r.List) == 0 {
			d.reportValue(p, "want at least one row", "")
		}
		return len(r.List) > 0
	case scalarKind(n) != text:
		d.mismatch(p, "the name of a .csv or .jsonl file, or a list of mappings")
		return false
	}
	if ext := path.Ext(n.Value); ext != ".csv" && ext != ".jsonl" {
		d.reportValue(p, fmt.Sprintf("want the name of a .csv or .jsonl file, got %q", clip(n.Value)), "")
		return false
	}
	return d.decode(p, &r.File)
}

// textInline is the form of a Text that holds it in place.
type textInline struct {
	Text string `yaml:"text" required:"true" nonempty:"true"`
}

func (t *Text) decode(d *decoder, p place) bool {
	*t = Text{}
	var in textInline
	ok := d.named(p, "the name of a file", "{text: …}", &t.File, &in)
	t.Text = in.Text
	return ok
}

// templateGit is the form of a Template that is a repository.
type templateGit struct {
	Git string `yaml:"git" required:"true" nonempty:"true"`
	Ref string `yaml:"ref" nonempty:"true"`
}

func (t *Template) decode(d *decoder, p place) bool {
	*t = Template{}
	var in templateGit
	ok := d.named(p, "the name of a directory", "{git: …, ref: …}", &t.Dir, &in)
	t.Git, t.Ref = in.Git, in.Ref
	return ok
}

// named decodes what is a name alone or, where there is more to say, a mapping.
func (d *decoder) named(p place, what, mapping string, name *string, more any) bool {
	n := follow(p.node)
	switch {
	case n.Kind == yaml.MappingNode:
		return d.decode(p, more)
	case scalarKind(n) != text:
		d.mismatch(p, what+", or "+mapping)
		return false
	case n.Value == "":
		d.reportValue(p, fmt.Sprintf("want %s, got empty text", what), "or "+mapping)
		return false
	}
	return d.decode(p, name)
}

// barePolicies need no more than their name; the others are mappings, as
// policyForm has them, of which retry and restart are in both.
var barePolicies = []string{"abort", "continue", "noop", "restart", "retry", "skip", "stop", "wait"}

type policyForm struct {
	Action     any         `yaml:"action"`
	Retry      *attempts   `yaml:"retry"`
	Restart    *attempts   `yaml:"restart"`
	Substitute *Substitute `yaml:"substitute"`
}

type attempts struct {
	Attempts int `yaml:"attempts" min:"1" max:"100"`
}

func (f *policyForm) check(d *decoder, p place, has func(string) bool) {
	var set []string
	for _, key := range []string{"action", "restart", "retry", "substitute"} {
		if has(key) {
			set = append(set, key)
		}
	}
	switch {
	case len(set) > 1:
		d.reportValue(p, "want one policy, got "+strings.Join(set, " and "), "")
	case len(set) == 0 && !d.strange[follow(p.node)]:
		d.reportValue(p, "want one policy, got none", suggest("", "bare names", barePolicies))
	case has("action") && scalarKind(follow(p.under("action").node)) == nothing:
		d.reportValue(p.under("action"), "want an action, got nothing", "a null action is the policy skip")
	}
}

func (y *Policy) decode(d *decoder, p place) bool {
	*y = Policy{}
	n := follow(p.node)
	if n.Kind == yaml.MappingNode {
		var form policyForm
		before := d.count
		ok := d.decode(p, &form)
		*y = form.policy()
		return ok && d.count == before
	}
	if scalarKind(n) != text {
		d.mismatch(p, "the name of a policy, or a mapping such as {retry: {attempts: 2}}")
		return false
	}
	if !slices.Contains(barePolicies, n.Value) {
		hint := suggest(n.Value, "bare names", barePolicies) + "; with more: action, restart, retry, substitute"
		switch n.Value {
		case "action":
			hint = "write {action: …} with the action"
		case "substitute":
			hint = "write {substitute: {kind: …}}"
		}
		d.reportValue(p, fmt.Sprintf("%q is no policy by itself", clip(n.Value)), hint)
		return false
	}
	y.Name = n.Value
	return true
}

func (f policyForm) policy() Policy {
	switch {
	case f.Retry != nil:
		return Policy{Name: "retry", Attempts: f.Retry.Attempts}
	case f.Restart != nil:
		return Policy{Name: "restart", Attempts: f.Restart.Attempts}
	case f.Substitute != nil:
		return Policy{Name: "substitute", Substitute: f.Substitute}
	case f.Action != nil:
		return Policy{Name: "action", Action: f.Action}
	}
	return Policy{}
}

// fieldForm is a dotted path into what an agent was shown or answered.
const fieldForm = `^(action|observation)(\.[^.]+)*$`

var fieldShape = regexp.MustCompile(fieldForm)

// collectField is the form of a Collect that takes a field of agents.
type collectField struct {
	Agent string `yaml:"agent" required:"true" nonempty:"true"`
	Field string `yaml:"field" required:"true"`
	Every int    `yaml:"every" min:"1"`
}

func (f *collectField) check(d *decoder, p place, has func(string) bool) {
	if has("field") && f.Field != "" && !fieldShape.MatchString(f.Field) {
		d.reportValue(p.under("field"), fmt.Sprintf("want a path below action or observation, got %q", clip(f.Field)), "such as action.offer")
	}
}

func (c *Collect) decode(d *decoder, p place) bool {
	*c = Collect{}
	var f collectField
	ok := d.named(p, "the name of a column", "{agent: …, field: …}", &c.Column, &f)
	c.Agent, c.Field, c.Every = f.Agent, f.Field, f.Every
	return ok
}
