package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"time"
)

var metricsAt = regexp.MustCompile(`(?m)^metrics: (http://.*)/metrics$`)

// fetch FILE PATH gets a path from where the run listens whose words are in
// that file, and prints the answer's status and body.
func fetch(args []string) int {
	if len(args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: fetch file path")
		return 2
	}
	said, err := os.ReadFile(args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	at := metricsAt.FindSubmatch(said)
	if at == nil {
		fmt.Fprintf(os.Stderr, "no address in %q\n", said)
		return 1
	}
	client := http.Client{Timeout: 30 * time.Second}
	res, err := client.Get(string(at[1]) + args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = res.Body.Close() }()
	fmt.Printf("%d ", res.StatusCode)
	if _, err := io.Copy(os.Stdout, res.Body); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
