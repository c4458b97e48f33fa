package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/troupe-dev/troupe/runtime"
	"github.com/troupe-dev/troupe/runtime/record"
)

var verifyCommand = &cli.Command{
	Name:      "verify",
	Usage:     "compute a run's chain of hashes again, or execute it again",
	ArgsUsage: "RUN",
	Description: "With --execute the world and the agents are run again, told what is on record, and what\n" +
		"they answer is held against it: the first difference is told by agent, tick and byte.\n" +
		"Models are not asked: what they answered is on record, and is answered again.",
	Flags: []cli.Flag{
		dataFlag,
		&cli.BoolFlag{Name: "execute", Usage: "run the world and the agents again on the record"},
		&cli.BoolFlag{Name: "strict", Usage: "with --execute: a request to a model that is not the one on record is a difference"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object and nothing else on stdout"},
	},
	Action: func(c *cli.Context) error {
		run, err := one(c, "run")
		if err != nil {
			return err
		}
		ctx, kill, release := interruptions()
		defer release()
		res, err := runtime.Verify(ctx, runtime.VerifyOptions{
			Data: c.String("data"), Run: run, Command: strings.Join(os.Args[1:], " "),
			Execute: c.Bool("execute"), Strict: c.Bool("strict"), Kill: kill,
		})
		if errors.Is(err, context.Canceled) {
			return exit{code: exitInterrupted}
		}
		if res == nil {
			return explain(err)
		}
		if c.Bool("json") {
			printVerifiedJSON(os.Stdout, res, err)
		} else {
			printVerified(os.Stdout, res, err)
		}
		return verdict(res, err)
	},
}

// verdict is the exit code of what verifying came to, with what is still to be
// said.
func verdict(res *runtime.VerifyResult, err error) error {
	switch {
	case errors.Is(err, record.ErrChain):
		return exit{exitDiffers, fmt.Errorf("run %s is not as it was recorded: %w", res.Run, err)}
	case err != nil:
		return explain(fmt.Errorf("run %s: %w", res.Run, err))
	case res.Repeated != nil && res.Repeated.Difference != nil:
		return exit{code: exitDiffers}
	}
	return nil
}

func printVerified(w io.Writer, res *runtime.VerifyResult, err error) {
	hash := hex.EncodeToString(res.Hash[:])
	var broken *record.BrokenError
	if errors.As(err, &broken) {
		_, _ = fmt.Fprintf(w, "run %s: the chain holds for %d ticks, then no more\nhash %s\n", res.Run, res.Ticks, hash)
		return
	}
	over := ""
	if res.End == record.NotEnded {
		over = "; the run is not over"
	}
	_, _ = fmt.Fprintf(w, "run %s: %d ticks, the chain holds%s\nhash %s\n", res.Run, res.Ticks, over, hash)
	r := res.Repeated
	if r == nil || err != nil {
		return
	}
	from := ""
	if r.From > 0 {
		from = fmt.Sprintf(" from tick %d on, where it was forked", r.From)
	}
	_, _ = fmt.Fprintf(w, "executed again: %d ticks%s, %d answers of agents are the recorded ones\n", r.Ticks, from, r.Answers)
	for _, failure := range sortedKeys(r.Skipped) {
		_, _ = fmt.Fprintf(w, "no answer to compare: %d × %s\n", r.Skipped[failure], failure)
	}
	if res.Drift > 0 {
		_, _ = fmt.Fprintf(w, "drift: %d requests to models are not the ones on record, and were answered by what stands in their place\n", res.Drift)
	}
	for _, id := range sortedKeys(r.Uncompared) {
		_, _ = fmt.Fprintf(w, "not compared: agent %s: %s\n", id, r.Uncompared[id])
	}
	if r.Difference != nil {
		_, _ = fmt.Fprintf(w, "DIFFERS: %s\n", r.Difference.Text("recorded", "now"))
		return
	}
	_, _ = fmt.Fprintln(w, "no difference")
}

// jsonVerified is what verify --json prints.
type jsonVerified struct {
	Run      string        `json:"run"`
	Ticks    int           `json:"ticks"` // that are sound
	Hash     string        `json:"hash"`  // after them
	Holds    bool          `json:"holds"` // the chain, over all that is on record
	End      string        `json:"end,omitempty"`
	Executed *jsonExecuted `json:"executed,omitempty"`
	Error    string        `json:"error,omitempty"`
}

type jsonExecuted struct {
	From       int               `json:"from,omitempty"` // the first tick, of a run that was forked
	Ticks      int               `json:"ticks"`
	Answers    int               `json:"answers"`
	Skipped    map[string]int    `json:"skipped"`
	Uncompared map[string]string `json:"not_compared"`
	Drift      int               `json:"drift"` // requests to models that are not the ones on record
	Difference *jsonDifference   `json:"difference"`
}

// jsonDifference is where two accounts part. A tick of null is before the
// first; a side that has nothing there is null.
type jsonDifference struct {
	Tick  *int    `json:"tick"`
	Agent string  `json:"agent,omitempty"`
	Field string  `json:"field"`
	Byte  int     `json:"byte"`
	A     *string `json:"a"`
	B     *string `json:"b"`
}

func differenceJSON(d *record.Difference) *jsonDifference {
	if d == nil {
		return nil
	}
	out := &jsonDifference{Agent: d.Agent, Field: d.Field, Byte: d.Byte}
	if d.Tick != record.Beginning {
		out.Tick = &d.Tick
	}
	if a := d.ExcerptA(); len(d.A) > 0 {
		out.A = &a
	}
	if b := d.ExcerptB(); len(d.B) > 0 {
		out.B = &b
	}
	return out
}

func printVerifiedJSON(w io.Writer, res *runtime.VerifyResult, err error) {
	var broken *record.BrokenError
	out := jsonVerified{
		Run: res.Run, Ticks: res.Ticks, Hash: hex.EncodeToString(res.Hash[:]),
		Holds: !errors.As(err, &broken), End: string(res.End),
	}
	if r := res.Repeated; r != nil {
		out.Executed = &jsonExecuted{r.From, r.Ticks, r.Answers, r.Skipped, r.Uncompared, res.Drift, differenceJSON(r.Difference)}
	}
	if err != nil {
		out.Error = err.Error()
	}
	printLine(w, out)
}

// printLine prints one JSON object as a line.
func printLine(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}
