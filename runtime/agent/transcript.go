package agent

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// A TranscriptLine is one line of the file that keeps what the runtime and a
// command line tool said to each other. One of In, Out and Start is set.
type TranscriptLine struct {
	Tick    int              `json:"tick"`
	Attempt int              `json:"attempt"`
	Time    time.Time        `json:"time"`
	In      json.RawMessage  `json:"in,omitempty"`  // a line to the tool
	Out     json.RawMessage  `json:"out,omitempty"` // a line of the tool's
	Start   *TranscriptStart `json:"start,omitempty"`
}

// A TranscriptStart is how a process of the tool was started.
type TranscriptStart struct {
	Kind    string            `json:"kind"`
	Command []string          `json:"command"`
	Texts   map[string]string `json:"texts,omitempty"` // rendered, by file name
}

// AllTicks asks for a whole transcript.
const AllTicks = -1

// PrintTranscript writes a transcript for people: of one tick, or of all. A
// line that cannot be read is passed over: it was cut off by a crash. It
// reports whether there was anything of that tick.
func PrintTranscript(w io.Writer, r io.Reader, tick int) (found bool, err error) {
	last := [2]int{AllTicks, 0}
	write := claudeTranscript // where the beginning is lost
	err = eachLine(r, func(_ []byte, l *TranscriptLine) error {
		if l.Start != nil {
			if k, err := Lookup(l.Start.Kind); err == nil && k.Transcript != nil {
				write = k.Transcript
			}
		}
		if tick != AllTicks && (l.Tick != tick || l.Start != nil) {
			return nil
		}
		found = true
		if at := [2]int{l.Tick, l.Attempt}; at != last && l.Start == nil {
			last = at
			if err := heading(w, l); err != nil {
				return err
			}
		}
		write(w, l)
		return nil
	})
	return found, err
}

// CopyTranscript writes the lines of one tick, or of all, as they are kept.
func CopyTranscript(w io.Writer, r io.Reader, tick int) (found bool, err error) {
	err = eachLine(r, func(line []byte, l *TranscriptLine) error {
		if tick != AllTicks && l.Tick != tick {
			return nil
		}
		found = true
		_, err := w.Write(line)
		return err
	})
	return found, err
}

func eachLine(r io.Reader, do func(line []byte, l *TranscriptLine) error) error {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		var l TranscriptLine
		if len(line) > 0 && json.Unmarshal(line, &l) == nil {
			if err := do(line, &l); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func heading(w io.Writer, l *TranscriptLine) error {
	attempt := ""
	if l.Attempt > 1 {
		attempt = fmt.Sprintf(", attempt %d", l.Attempt)
	}
	_, err := fmt.Fprintf(w, "\n══ tick %d%s, %s\n", l.Tick, attempt, l.Time.Local().Format(time.DateTime))
	return err
}

// part writes one titled part of a transcript.
func part(w io.Writer, title, text string) {
	_, _ = fmt.Fprintf(w, "── %s\n%s\n", title, text) // a writer that fails is noticed at the next heading
}
