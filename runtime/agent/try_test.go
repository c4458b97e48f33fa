package agent

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An actor is a process in a test: it reads stdin and writes stdout, and what
// it returns is how it ended.
type actor func(in *bufio.Scanner, out io.Writer) error

// try holds a trial with an actor, in time that costs nothing.
func try(t *testing.T, trial Trial, act actor) (r Report, transcript string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		in, stdin := io.Pipe()
		stdout, out := io.Pipe()
		exited := make(chan error, 1)
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			lines := bufio.NewScanner(in)
			lines.Buffer(nil, MaxLine)
			err := act(lines, out)
			_ = in.Close()
			_ = out.Close()
			exited <- err
		}()
		var text bytes.Buffer
		trial.Stdin, trial.Stdout, trial.Exited, trial.Transcript = stdin, stdout, exited, &text
		r = Try(t.Context(), trial)
		<-gone
		transcript = text.String()
	})
	return r, transcript
}

// answering is an actor that answers each line with what say makes of it.
func answering(say func(h heard, n int) string) actor {
	return func(in *bufio.Scanner, out io.Writer) error {
		for n := 0; in.Scan(); n++ {
			h, err := hear(in.Bytes())
			if err != nil {
				return err
			}
			if text := say(h, n); text != "" {
				if _, err := io.WriteString(out, text); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// right is the right answer to a line.
func right(h heard) string {
	typ, _ := h.typ.str()
	switch typ {
	case "init":
		return `{"type":"ready","agent":"agent-1"}` + "\n"
	case "observe":
		return fmt.Sprintf(`{"type":"act","agent":"agent-1","tick":%s,"action":1}`, h.tick.text) + "\n"
	}
	return ""
}

// instead answers rightly, but for the n-th line.
func instead(n int, text string) actor {
	return answering(func(h heard, i int) string {
		if i == n {
			return strings.ReplaceAll(text, "RIGHT", strings.TrimSpace(right(h)))
		}
		return right(h)
	})
}

func TestTryGood(t *testing.T) {
	serve := func(in *bufio.Scanner, out io.Writer) error {
		from, to := io.Pipe()
		go func() {
			for in.Scan() {
				_, _ = to.Write(append(in.Bytes(), '\n'))
			}
			_ = to.Close()
		}()
		return ServeOn(from, out, func(Start) (Player, error) {
			return PlayerFunc(func(o Observation) Reply { return o.Act("x").Send("bob", o.Messages) }), nil
		})
	}
	for name, act := range map[string]actor{"bare": instead(-1, ""), "client": serve} {
		r, transcript := try(t, Trial{}, act)
		var names []string
		for _, s := range r.Steps {
			names = append(names, s.Name+": "+string(s.Verdict))
		}
		want := "says ready: ok, answers tick 0: ok, answers tick 1, with messages: ok, answers tick 1, asked again: ok, ends when stdin does: ok"
		if !r.OK() || strings.Join(names, ", ") != want {
			t.Errorf("%s: %+v", name, r)
		}
		if !strings.Contains(transcript, `→ {"type":"init","protocol":1,"run":"try","agent":"agent-1"`) ||
			!strings.Contains(transcript, `"attempt":2,"error":"only a trial`) ||
			!strings.Contains(transcript, `← {"type":"act","agent":"agent-1","tick":1`) || strings.Count(transcript, "\n") != 9 {
			t.Errorf("%s: transcript\n%s", name, transcript)
		}
	}
}

func TestTry(t *testing.T) {
	hang := func(in *bufio.Scanner) {
		for in.Scan() {
			continue
		}
	}
	tests := map[string]struct {
		act  actor
		want string // a step: name: verdict: detail | hint
	}{
		"says nothing": {func(in *bufio.Scanner, _ io.Writer) error { hang(in); return nil },
			"says ready: fail: not one byte on stdout within 10s | write each line at once: print(…, flush=True)"},
		"never reads": {func(*bufio.Scanner, io.Writer) error { <-time.After(time.Hour); return nil }, "says ready: fail: not one byte"},
		"does not flush": {func(in *bufio.Scanner, out io.Writer) error {
			var kept string
			err := answering(func(h heard, _ int) string { kept += right(h); return "" })(in, out)
			_, _ = io.WriteString(out, kept)
			return err
		}, "says ready: fail: not one byte on stdout within 10s; the answer came once stdin was closed | write each line at once"},
		"no newline": {instead(1, `RIGHT`),
			`answers tick 0: fail: no whole line within 5s; it wrote without a newline: {"type":"act","agent":"agent-1"`},
		"acts before ready": {instead(0, `{"type":"act","agent":"agent-1","tick":0}`+"\nRIGHT\n"),
			`says ready: fail: it wrote a line of type "act" before it was ready | answer init`},
		"ready as another": {instead(0, `{"type":"ready","agent":"me"}`+"\n"), `says ready: fail: it is ready as "me" and was started as "agent-1"`},
		"ready as nobody":  {instead(0, `{"type":"ready"}`+"\n"), `says ready: fail: ill-formed ready line: it has no "agent"`},
		"ready twice":      {instead(1, `{"type":"ready","agent":"agent-1"}`+"\nRIGHT\n"), `answers tick 0: note: it said ready again`},
		"state unasked":    {instead(1, `{"type":"state","agent":"agent-1","state":1}`+"\nRIGHT\n"), `answers tick 0: note: it told its state`},
		"done":             {instead(1, `{"type":"act","agent":"agent-1","tick":0,"done":true}`+"\n"), `answers tick 0: note: it said that it is done`},
		"another's answer": {instead(1, `{"type":"act","agent":"bob","tick":0}`+"\n"), `answers tick 0: fail: it answered for "bob"`},
		"another tick":     {instead(1, `{"type":"act","agent":"agent-1","tick":7}`+"\n"), `answers tick 0: fail: it answered tick 7 | copy "agent" and "tick"`},
		"an answer twice":  {instead(1, "RIGHT\nRIGHT\n"), `answers tick 1, with messages: fail: it answered tick 0 again`},
		"one too many":     {instead(4, `{"type":"act","agent":"agent-1","tick":2}`+"\n"), `ends when stdin does: fail: it answered tick 2 without being asked`},
		"malformed":        {instead(1, `{"type":"act","agent":"agent-1","tick":0,"send":[{"to":"b"}]}`+"\n"), `send[0] has no "body" | "send" is a list`},
		"no tick":          {instead(1, `{"type":"act","agent":"agent-1"}`+"\n"), `it has no "tick" | copy "agent" and "tick"`},
		"bad done":         {instead(1, `{"type":"act","agent":"agent-1","tick":0,"done":1}`+"\n"), `its "done" is 1 and neither true nor false | an answer is`},
		"bad UTF-8":        {instead(1, "{\"type\":\"act\",\"agent\":\"agent-1\",\"tick\":0,\"action\":\"\xff\"}\n"), `invalid UTF-8 at byte 51 | write UTF-8`},
		"too long":         {instead(1, strings.Repeat("x", MaxLine+1)+"\n"), `answers tick 0: fail: it wrote a line of more than 1048576 bytes`},
		"text":             {instead(1, "thinking…\n\nRIGHT\n"), `answers tick 0: note: it wrote text to stdout, which goes to its log: thinking… | stdout is for the protocol`},
		"an odd type":      {instead(1, `{"type":"action"}`+"\nRIGHT\n"), `answers tick 0: note: it wrote a line of type "action", which means nothing`},
		"a log line":       {instead(1, `{"type":"log","text":"x"}`+"\nRIGHT\n"), `answers tick 0: ok: `},
		"no JSON":          {instead(1, `{'type': 'act'}`+"\n"), `answers tick 0: fail: it wrote {'type': 'act'}: cannot read JSON: '\'' where a name in quotes should be at byte 1 | write each answer as one JSON object`},
		"no type":          {instead(1, `{"move":"C"}`+"\n"), `answers tick 0: fail: it wrote an object without a type: {"move":"C"}`},
		"only text":        {instead(1, "C\n"), `answers tick 0: fail: no answer within 5s`},
		"exits at once":    {func(*bufio.Scanner, io.Writer) error { return errors.New("exit status 3") }, `says ready: fail: it ended (exit status 3) before it answered | see what it wrote to stderr`},
		"exits in a line": {func(_ *bufio.Scanner, out io.Writer) error {
			_, err := io.WriteString(out, `{"type":"rea`)
			return err
		}, `says ready: fail: it ended (exit status 0) before it answered; it wrote without a newline: {"type":"rea | answer every line of stdin until it ends`},
		"status 4 in the end": {func(in *bufio.Scanner, out io.Writer) error {
			return errors.Join(instead(-1, "")(in, out), errors.New("exit status 4"))
		}, `ends when stdin does: note: it ended (exit status 4)`},
		"does not end": {func(in *bufio.Scanner, out io.Writer) error {
			err := instead(-1, "")(in, out)
			<-time.After(time.Hour)
			return err
		}, `ends when stdin does: fail: it is still there 5s after stdin was closed | leave the loop`},
		"slow": {func(in *bufio.Scanner, out io.Writer) error {
			return answering(func(h heard, n int) string {
				if n == 1 {
					<-time.After(4 * time.Second)
				}
				return right(h)
			})(in, out)
		}, `answers tick 0: note: it took 4s, and has 5s | give it a longer deadline`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, transcript := try(t, Trial{}, test.act)
			found, failed := false, strings.Contains(test.want, "fail: ")
			for _, s := range r.Steps {
				found = found || strings.Contains(fmt.Sprintf("%s: %s: %s | %s", s.Name, s.Verdict, s.Detail, s.Hint), test.want)
				failed = failed || s.Verdict == Failed
			}
			if !found || r.OK() == failed {
				t.Errorf("OK %t: %+v\nwant %s\n%s", r.OK(), r.Steps, test.want, transcript)
			}
		})
	}
}

// TestTryHeldStdout is about a process that ends while one that it started
// keeps its stdout.
func TestTryHeldStdout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, stdin := io.Pipe()
		stdout, out := io.Pipe()
		exited := make(chan error)
		go func() {
			_ = instead(-1, "")(bufio.NewScanner(in), out)
			close(exited)
		}()
		r := Try(t.Context(), Trial{Stdin: stdin, Stdout: stdout, Exited: exited})
		last := r.Steps[len(r.Steps)-1]
		if r.OK() || !strings.Contains(last.Detail, "a process that it started holds its stdout") {
			t.Errorf("got %+v", r)
		}
	})
}

func TestTryInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, stdin := io.Pipe()
		stdout, _ := io.Pipe()
		r := Try(ctx, Trial{Stdin: stdin, Stdout: stdout, Exited: make(chan error)})
		if len(r.Steps) != 1 || r.Steps[0].Detail != "the trial was interrupted" || r.OK() {
			t.Errorf("got %+v", r)
		}
	})
}

func TestPrintable(t *testing.T) {
	if got := printable([]byte("a\x1b[2J\xff é\n" + strings.Repeat("x", 600))); !strings.HasPrefix(got, "a\uFFFD[2J\uFFFD é\uFFFDx") || !strings.HasSuffix(got, "x…") {
		t.Errorf("got %q", got)
	}
}
