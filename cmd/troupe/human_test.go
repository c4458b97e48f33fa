package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/troupe-dev/troupe/runtime/observe"
)

// askAPI METHOD PATH [BODY] asks the supervisor of the scripts' data directory, and
// prints the answer's status and body. With await and a run's name it waits for that to
// run.
func askAPI(args []string) int {
	if len(args) < 2 || len(args) > 3 {
		fmt.Fprintln(os.Stderr, "usage: askapi method path [body], or askapi await run")
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	data := os.Getenv("TROUPE_DATA")
	if args[0] == "await" {
		runs, err := observe.OpenRunning(ctx, data, "askapi", args[1], time.Minute)
		if err == nil {
			err = runs.Close()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return observe.DialControl(ctx, data) },
	}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, args[0], "http://troupe"+args[1], strings.NewReader(strings.Join(args[2:], "")))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
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
