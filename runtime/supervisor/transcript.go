package supervisor

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// transcriptSize is when a transcript begins anew, as logSize of a log.
const transcriptSize = 64 << 20

// A transcript keeps what was said to and by a command line tool. Its methods
// are for one goroutine at a time; nil keeps nothing.
type transcript struct {
	kind          string
	file          *logFile
	tick, attempt int
}

func newTranscript(path string, s *Spec) *transcript {
	if s.Kind.Transcript == nil {
		return nil
	}
	return &transcript{kind: s.Kind.Name, file: newLogFile(path, transcriptSize, s.Secrets)}
}

func (t *transcript) started(command []string, texts map[string]string) {
	if t != nil {
		t.add(agent.TranscriptLine{Start: &agent.TranscriptStart{Kind: t.kind, Command: command, Texts: texts}})
	}
}

// asked keeps the line of an observe, from which on lines are of its tick; of a
// tool that is told plain text, that as a string.
func (t *transcript) asked(o *agent.Observe, line []byte) {
	if t != nil {
		t.tick, t.attempt = o.Tick, o.Attempt
		if !json.Valid(line) {
			line = agent.AppendString(nil, string(line))
		}
		t.add(agent.TranscriptLine{In: line})
	}
}

func (t *transcript) said(line []byte) { t.add(agent.TranscriptLine{Out: line}) }

func (t *transcript) add(l agent.TranscriptLine) {
	if t == nil {
		return
	}
	l.Tick, l.Attempt, l.Time = t.tick, t.attempt, time.Now()
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)  // people read it, and the commands in it
	if e.Encode(l) == nil { // a line that is no JSON is in the log
		t.file.line("", bytes.TrimSuffix(text.Bytes(), []byte("\n")))
	}
}

func (t *transcript) close() {
	if t != nil {
		t.file.close()
	}
}
