package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// deathFaults are agents that die, or do not.
var deathFaults = map[string]fault{
	"killed": at(1, func(told) { die() }),
	"killed-once": at(1, func(o told) {
		if once("killed") {
			die()
		}
		well(o)
	}),
	"exit-7": at(1, func(told) {
		fmt.Fprintln(os.Stderr, "seven it is")
		os.Exit(7)
	}),
	// leaves-daemon starts a process in a session of its own, which holds its
	// stdout and stderr, and exits.
	"leaves-daemon": at(1, func(told) {
		daemon()
		os.Exit(7)
	}),
	// leaves-orphans leaves a daemon each turn and lives on.
	"leaves-orphans": func([]string) int {
		return converse(func(o told) {
			daemon()
			well(o)
		})
	},
	// orphans-end leaves a process each turn that ends by itself soon.
	"orphans-end": at(1, func(told) {
		for range 5 {
			start("fork", "end")
		}
		os.Exit(7)
	}),
	"fork": func(args []string) int {
		start(args...)
		return 0
	},
	"end": func([]string) int { return 9 },
	// stay is deaf to all that can be ignored, and holds what it was given.
	"stay": func([]string) int {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		for {
			time.Sleep(time.Hour)
		}
	},
	// ignores-term answers well, and goes on when it is told to stop.
	"ignores-term": func([]string) int {
		signal.Ignore(syscall.SIGTERM)
		converse(well)
		for {
			time.Sleep(time.Hour)
		}
	},
	"closes-stdout": at(1, func(told) { _ = os.Stdout.Close() }),
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	time.Sleep(time.Hour)
}

func daemon() { start("stay") }

// start runs a fault in a session of its own, with this process's files.
func start(args ...string) {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args = append([]string{"faulty"}, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot start", args, err)
		os.Exit(1)
	}
}
