package supervisor

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary is also the agents that the tests run: its first argument
// then is "agent", its second how the agent behaves.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "agent" {
		behave(os.Args[2], os.Args[3:])
		return
	}
	code := m.Run()
	err := goleak.Find()
	for end := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(end); { // it gives up soon, for a busy machine
		err = goleak.Find()
	}
	if code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, "goroutines left:", err)
		code = 1
	}
	if code == 0 && os.Getenv(goroutines) == "" {
		// Once more, with goroutines that serve the pipes instead of threads.
		again := exec.Command("/proc/self/exe", os.Args[1:]...)
		again.Env = append(os.Environ(), goroutines+"=1")
		again.Stdout, again.Stderr = os.Stdout, os.Stderr
		if err := again.Run(); err != nil {
			code = 1
		}
	}
	os.Exit(code)
}

// goroutines is set where they serve the pipes, and not threads.
const goroutines = "SUPERVISOR_TEST_GOROUTINES"

// heardLine is what any line to an agent may hold.
type heardLine struct {
	Type, Agent, Error string
	Tick, Attempt      int
	Observation        json.RawMessage
	State              *int
}

// behave is an agent's main. Every behaviour but the named faults counts its
// observations and answers {"n":count}; its state is that count.
func behave(how string, args []string) {
	if f := starts[how]; f != nil {
		f(args)
	}
	counts := map[string]int{}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 4<<20)
	for in.Scan() {
		var l heardLine
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			panic(err)
		}
		switch l.Type {
		case "init":
			if l.State != nil {
				counts[l.Agent] = *l.State
			}
			fmt.Printf(`{"type":"ready","agent":%q}`+"\n", l.Agent)
		case "snapshot":
			if how != "secretive" {
				fmt.Printf(`{"type":"state","agent":%q,"state":%d}`+"\n", l.Agent, counts[l.Agent])
			}
		case "observe":
			if f := turnsOf[how]; f != nil {
				f(l, args)
			}
			counts[l.Agent]++
			if f := withheld[how]; f != nil && f(l, args) {
				continue
			}
			if how == "notes" {
				fmt.Printf(`{"type":"act","agent":%q,"tick":%d,"action":{"n":%d,"file":%d}}`+"\n", l.Agent, l.Tick, counts[l.Agent], notes(l.Agent))
				continue
			}
			fmt.Printf(`{"type":"act","agent":%q,"tick":%d,"action":{"n":%d}}`+"\n", l.Agent, l.Tick, counts[l.Agent])
		}
	}
	if f := ends[how]; f != nil {
		f(args)
	}
}

// starts, turnsOf and ends are what the behaviours do at their start, at each
// observation and when their stdin ends.
var starts = map[string]func(args []string){
	"exit-at-once":     func([]string) { fmt.Fprintln(os.Stderr, "no luck today"); os.Exit(3) },
	"mute":             func([]string) { time.Sleep(time.Hour) },
	"bloat":            bloat,
	"stubborn":         func([]string) { signal.Ignore(syscall.SIGTERM) },
	"scribble":         scribble,
	"scribble-abandon": func(args []string) { startScribbler("in-orphan", args[0], "", nil) },
	// cores SLOW LINE: goes on from a program that has read an observe line.
	"cores": func(args []string) {
		var l heardLine
		if err := json.Unmarshal([]byte(args[1]), &l); err != nil {
			panic(err)
		}
		tellCores(l, args)
	},
}

var ends = map[string]func(args []string){
	"lingers":  func([]string) { time.Sleep(time.Hour) },
	"stubborn": func([]string) { time.Sleep(time.Hour) },
}

var turnsOf = map[string]func(l heardLine, args []string){
	// crash AGENT TICK FILE: once, kill oneself; FILE remembers that it was done.
	"crash": func(l heardLine, args []string) {
		if l.Agent != args[0] || strconv.Itoa(l.Tick) != args[1] {
			return
		}
		if f, err := os.OpenFile(args[2], os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			_ = f.Close()
			die()
		}
	},
	"crash-always": func(l heardLine, args []string) {
		if l.Agent == args[0] {
			die()
		}
	},
	"garbage": func(heardLine, []string) {
		fmt.Print("hello\n{\"a\":1}\n[1,2]\nhalf \xff line\n")
	},
	"chatty": func(heardLine, []string) {
		chatter := strings.Repeat("all work and no play\n", 1<<16)
		fmt.Print(chatter)
		fmt.Fprint(os.Stderr, chatter)
	},
	"long-line": func(l heardLine, args []string) {
		if l.Attempt < 2 {
			fmt.Printf(`{"type":"act","agent":%q,"tick":%d,"action":"`, l.Agent, l.Tick)
			part := strings.Repeat("x", 1<<20)
			for range 100 {
				fmt.Print(part)
			}
			fmt.Println(`"}`)
			time.Sleep(time.Hour)
		}
	},
	"not-utf8": func(l heardLine, _ []string) {
		fmt.Printf("{\"type\":\"act\",\"agent\":%q,\"tick\":%d,\"action\":\"\xff\"}\n", l.Agent, l.Tick)
		time.Sleep(time.Hour)
	},
	"half-line": func(l heardLine, _ []string) {
		fmt.Printf(`{"type":"act","agent":%q,"ti`, l.Agent)
		os.Exit(0)
	},
	"other": func(l heardLine, _ []string) {
		fmt.Printf(`{"type":"act","agent":"somebody","tick":%d,"action":{}}`+"\n", l.Tick)
		fmt.Printf(`{"type":"act","agent":%q,"tick":%d,"action":{}}`+"\n", l.Agent, l.Tick+7)
		time.Sleep(time.Hour)
	},
	"silent": func(heardLine, []string) { time.Sleep(time.Hour) },
	// late MS: only the first answer is that late.
	"late": func(l heardLine, args []string) {
		if l.Tick == 0 {
			ms, _ := strconv.Atoi(args[0])
			time.Sleep(time.Duration(ms) * time.Millisecond)
		}
	},
	// daemon FILE: a process in a session of its own holds stdout.
	"daemon": func(l heardLine, args []string) {
		if l.Tick == 0 {
			spawnDaemon(args[0])
		}
		if l.Tick == 1 {
			os.Exit(4)
		}
	},
}

// withheld says which answers a behaviour does not give.
var withheld = map[string]func(l heardLine, args []string) bool{
	"cores":   func(l heardLine, args []string) bool { tellCores(l, args); return true },
	"leaves":  leaves,
	"glutton": glutton,
	// forgets AGENT FILE: the other agents' tick 1 kills the process; FILE
	// remembers that it was done, and AGENT is not answered for any more.
	"forgets": func(l heardLine, args []string) bool {
		_, err := os.Stat(args[1])
		if err != nil && l.Tick == 1 {
			if err := os.WriteFile(args[1], nil, 0o600); err != nil {
				panic(err)
			}
			die()
		}
		return err == nil && l.Agent == args[0]
	},
}

func die() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); time.Sleep(time.Hour) }

func spawnDaemon(file string) {
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "echo $$ >" + file + "; exec sleep 1000"},
		&syscall.ProcAttr{Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true}})
	if err != nil {
		panic(err)
	}
	for {
		if b, err := os.ReadFile(file); err == nil && len(b) > 1 {
			_ = pid
			return
		}
	}
}

// tellCores is the turn of the agents "cores": it answers what cores each of its
// threads may use.
func tellCores(l heardLine, args []string) {
	if strconv.Itoa(l.Tick) == args[0] {
		time.Sleep(200 * time.Millisecond)
	}
	var masks []string
	threads, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil {
		panic(err)
	}
	for _, file := range threads {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), "Cpus_allowed:")
		m, _, _ := strings.Cut(rest, "\n")
		masks = append(masks, strings.TrimSpace(m))
	}
	action, err := json.Marshal(masks)
	if err != nil {
		panic(err)
	}
	fmt.Printf(`{"type":"act","agent":%q,"tick":%d,"action":%s}`+"\n", l.Agent, l.Tick, action)
}
