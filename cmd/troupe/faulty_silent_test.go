package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// silentFaults are agents that say too little, too late, or far too much.
var silentFaults = map[string]fault{
	"never-answers": at(1, func(told) {}),
	// never-flushes says all it has to say, into a buffer.
	"never-flushes": func([]string) int {
		out := bufio.NewWriter(os.Stdout)
		code := converse(func(o told) {
			if o.Tick == 0 {
				well(o)
				return
			}
			fmt.Fprintf(out, `{"type":"act","agent":%q,"tick":%d,"action":{}}`+"\n", o.Agent, o.Tick)
		})
		_ = out.Flush()
		return code
	},
	// late answers tick 1 once a herald has seen tick 2.
	"late": at(1, func(o told) {
		await(filepath.Join("..", "..", "herald", "work", "2"))
		well(o)
		once("answered")
	}),
	// herald marks each tick that it sees, and holds tick 3 up until late
	// has answered.
	"herald": func([]string) int {
		return converse(func(o told) {
			if err := os.WriteFile(fmt.Sprint(o.Tick), nil, 0o600); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
			if o.Tick == 3 {
				await(filepath.Join("..", "..", "late", "answered"))
			}
			well(o)
		})
	},
	// chatty-stderr and chatty-stdout write 50 MB before they answer.
	"chatty-stderr": at(1, func(o told) {
		chatter(os.Stderr)
		well(o)
	}),
	"chatty-stdout": at(1, func(o told) {
		chatter(os.Stdout)
		well(o)
	}),
}

func chatter(f *os.File) {
	w := bufio.NewWriterSize(f, 64<<10)
	line := strings.Repeat("blah ", 2000) + "\n"
	for n := 0; n < 50<<20; n += len(line) {
		_, _ = w.WriteString(line)
	}
	_ = w.Flush()
}
