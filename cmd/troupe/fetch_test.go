package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"
)

var metricsAt = regexp.MustCompile(`(?m)^metrics: (http://.*)/metrics$`)

// fetch FILE PATH [TOKEN] gets a path from where the run listens whose words are in
// that file, with the token that lies in the file TOKEN, and prints the answer's
// status and body.
func fetch(args []string) int {
	if len(args) < 2 || len(args) > 3 {
		fmt.Fprintln(os.Stderr, "usage: fetch file path [token]")
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
	req, err := http.NewRequest(http.MethodGet, string(at[1])+args[1], nil)
	if err == nil && len(args) == 3 {
		var token []byte
		token, err = os.ReadFile(args[2])
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	res, err := client.Do(req)
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
