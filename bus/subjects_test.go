package bus

import (
	"slices"
	"strings"
	"testing"
)

func TestSubjects(t *testing.T) {
	for _, c := range []struct {
		subject, want, kind string
		names               []string
	}{
		{Log("r"), "troupe.r.log", "log", nil},
		{Tick("r"), "troupe.r.tick", "tick", nil},
		{Msg("r", "a", "b"), "troupe.r.msg.a.b", "msg", []string{"a", "b"}},
		{Chan("r", "square", "a"), "troupe.r.chan.square.a", "chan", []string{"square", "a"}},
		{Agent("r", "a", "started"), "troupe.r.agent.a.started", "agent", []string{"a", "started"}},
		{Run("r", "finished"), "troupe.r.run.finished", "run", []string{"finished"}},
		{Ask("r", "a"), "troupe.r.ask.a", "ask", []string{"a"}},
		{Out("r", "a"), "troupe.r.out.a", "out", []string{"a"}},
	} {
		if c.subject != c.want {
			t.Errorf("subject %q, want %q", c.subject, c.want)
		}
		run, kind, names, ok := Parse(c.subject)
		if !ok || run != "r" || kind != c.kind || !slices.Equal(names, c.names) {
			t.Errorf("Parse(%q) = %q, %q, %q, %v", c.subject, run, kind, names, ok)
		}
	}
	for _, bad := range []string{"", "troupe", "troupe.r", "other.r.log", "troupe.r.log.x", "troupe.r.msg.a", "troupe.r.nope", "troupe..log", "troupe.r.msg.a.>"} {
		if _, _, _, ok := Parse(bad); ok {
			t.Errorf("Parse(%q) takes it", bad)
		}
	}
}

func TestCheckToken(t *testing.T) {
	for _, good := range []string{"a", "tit-for-tat_2", "Zoë", "42"} {
		if err := CheckToken(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "a.b", "*", ">", "a b", "a\tb", "a/b", `a\b`, "a\x00", "\xff", strings.Repeat("a", 129)} {
		if CheckToken(bad) == nil {
			t.Errorf("CheckToken(%q) takes it", bad)
		}
	}
}
