package agent

import (
	"slices"
	"strings"
	"testing"
)

// TestKinds is what every kind of the table has to keep.
func TestKinds(t *testing.T) {
	for _, name := range Kinds() {
		t.Run(name, func(t *testing.T) {
			k, err := Lookup(name)
			if err != nil || k.Name != name {
				t.Fatalf("looked up %q: %+v, %v", name, k, err)
			}
			if len(k.States) == 0 || !k.Allows(k.States[0]) || k.Allows("") || k.Allows("dream") {
				t.Errorf("states %q", k.States)
			}
			if !k.Reads("id") || !k.Reads("config") || k.Reads("colour") || k.NeedsCommand && !k.Reads("command") {
				t.Errorf("keys %q", k.Keys)
			}
			if slices.ContainsFunc(k.Keys, func(key string) bool { return slices.Contains(commonKeys, key) }) {
				t.Errorf("keys %q repeat common ones", k.Keys)
			}
			testDialect(t, k)
			if k.Tool != nil {
				testTool(t, k)
			}
		})
	}
}

func testDialect(t *testing.T, k Kind) {
	d := k.Dialect(&Brief{Options: &ModelOptions{}})
	head := []byte("head ")
	o := &Observe{Agent: "a", Tick: 3, Observation: []byte(`{}`), Seed: 5, Config: []byte(`{"c":1}`)}
	said := map[string]string{
		"init":    string(d.Init(head, Init{Run: "r", Agent: "a"})),
		"observe": string(d.Observe(head, o)),
		"stop":    string(d.Stop(head, "a", "over")),
	}
	for what, text := range said {
		if text = strings.TrimPrefix(text, "head "); text != "" && !strings.HasSuffix(text, "\n") {
			t.Errorf("%s %q: not whole lines after what was there", what, text)
		}
	}
	if k.PerTurn && said["init"] != "head " {
		t.Errorf("a process of one turn is sent an init: %q", said["init"])
	}
	if k.PerTurn != strings.Contains(said["observe"], `"seed":5,"config":{"c":1}`) {
		t.Errorf("observe %q", said["observe"])
	}
	if _, err := d.Decode([]byte("Traceback")); err == nil {
		t.Error("plain text is taken for an answer")
	}
}

// testTool is what a kind that drives a command line tool has to keep.
func testTool(t *testing.T, k Kind) {
	tool := k.Tool
	if tool.Models[""] == "" {
		t.Error("nothing says what model it has by itself")
	}
	for name, o := range map[string]*ModelOptions{
		"nothing": {},
		"all": {
			Model: "m", Prompt: "p", System: "s", AllowedTools: []string{"Read", "Bash(git *)"}, PermissionMode: tool.Modes[0],
			MaxTurns: 3, Flags: []string{"--last", "flag"}, USD: Dollar / 4, Keep: true, Files: true,
			MCP: map[string]MCPServer{"own": {Command: []string{"{program}/server"}}}, Settings: []byte(`{"a":1}`),
		},
	} {
		if n := tool.Overhead(o); n <= 0 || o.System != "" && n >= tool.Overhead(&ModelOptions{}) {
			t.Errorf("%s: it adds %d bytes", name, n)
		}
		known := testFiles(t, tool, o)
		words := tool.Command("/bin/tool", o)
		if words[0] != "/bin/tool" || !slices.Equal(words, tool.Command("/bin/tool", o)) {
			t.Errorf("%s: command %q", name, words)
		}
		if n := len(o.Flags); !slices.Equal(words[len(words)-n:], o.Flags) {
			t.Errorf("%s: command %q does not end with the scenario's flags", name, words)
		}
		for _, w := range words {
			if file, ok := strings.CutPrefix(w, "{agent}/"); ok && !slices.Contains(known, file) {
				t.Errorf("%s: the command names a text that is none: %s", name, w)
			}
		}
		text := strings.Join(words, " ")
		if tool.Configure != nil {
			text = testConfigure(t, k, words, o)
		}
		if o.Prompt == "" == strings.Contains(text, "{agent}/"+PromptFile) || o.System == "" == strings.Contains(text, "{agent}/"+SystemFile) {
			t.Errorf("%s: command %q", name, words)
		}
	}
	if k.NeedsCommand || k.PerTurn || k.Transcript == nil || tool.Program == "" || tool.Install == "" || tool.Deadline <= 0 {
		t.Errorf("%+v", tool)
	}
	if resume := tool.Resume("s-1"); k.Allows("session") && !slices.Contains(resume, "s-1") {
		t.Errorf("resume %q", resume)
	}
	// Codex reads its key from no descriptor.
	if c := tool.Credentials; len(c) == 0 || c[0].Secret == "" || c[0].Descriptor == "" && k.Name != "codex" {
		t.Errorf("the first credential is not passed by a descriptor: %+v", c)
	}
	if !slices.IsSorted(tool.Modes) || len(tool.Modes) == 0 || tool.MaxLine < MaxLine {
		t.Errorf("modes %q, lines of %d bytes", tool.Modes, tool.MaxLine)
	}
}

// testFiles is what a tool's command may name, and what is in the files that
// configure it.
func testFiles(t *testing.T, tool *Tool, o *ModelOptions) (names []string) {
	names = []string{PromptFile, SystemFile}
	if tool.Files == nil {
		return names
	}
	all := ""
	for name, text := range tool.Files(o, o.Servers("/bin/troupe", func(w string) string { return strings.Replace(w, "{program}", "/copies", 1) })) {
		names = append(names, name)
		all += text
	}
	for _, want := range []string{"/bin/troupe", `"mcp"`} {
		if !strings.Contains(all, want) {
			t.Errorf("the files %q lack %s", all, want)
		}
	}
	if o.MCP != nil && !strings.Contains(all, "/copies/server") || o.Settings != nil && !strings.Contains(all, string(o.Settings)) {
		t.Errorf("the files %q lack a server or settings", all)
	}
	return names
}

// testConfigure gives the words of a process, with the names of texts in them that
// the tool is told otherwise: the prompt with its first message.
func testConfigure(t *testing.T, k Kind, command []string, o *ModelOptions) string {
	t.Helper()
	tool := k.Tool
	s := &Setting{
		Env:   func(name string) string { return "/the/" + name },
		Texts: map[string]string{},
		File:  func(name string) string { return "{agent}/" + name },
	}
	if o.System != "" {
		s.Texts[SystemFile] = "the system"
	}
	if o.Prompt != "" {
		s.Texts[PromptFile] = "Be yourself."
	}
	before := slices.Clone(command)
	words := tool.Configure(command, s)
	if !slices.Equal(command, before) || words[0] != command[0] || !slices.Equal(words, tool.Configure(command, s)) {
		t.Errorf("configured %q, %q", command, words)
	}
	if n := len(o.Flags); !slices.Equal(words[len(words)-n:], o.Flags) {
		t.Errorf("command %q does not end with the scenario's flags", words)
	}
	text := strings.Join(words, " ")
	if strings.Contains(text, s.Texts[PromptFile]) && o.Prompt != "" {
		t.Errorf("all may read the prompt in %q", words)
	}
	told := *o
	told.Prompt = s.Texts[PromptFile]
	said := func(d Dialect) string { return string(d.Observe(nil, &Observe{Observation: []byte("1")})) }
	first, next := k.Dialect(&Brief{Options: &told}), k.Dialect(&Brief{Options: &told})
	next.(Resumer).Resumes()
	if o.Prompt != "" && strings.HasPrefix(said(first), "Be yourself.\n\n") && !strings.Contains(said(next), "yourself") {
		text += " {agent}/" + PromptFile
	}
	return text
}

func TestLookupUnknown(t *testing.T) {
	_, err := Lookup("telepathy")
	if err == nil || !strings.Contains(err.Error(), `"telepathy": the kinds are claude, codex, exec, human, nats, recorded, stdio`) {
		t.Errorf("got %v", err)
	}
}
