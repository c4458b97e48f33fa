package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"
)

var metricsAt = regexp.MustCompile(`(?m)^metrics: (http://.*)/metrics$`)

// fetch [-X METHOD] [-d FILE | -b TEXT] [-e ID] WHERE PATH [TOKEN] asks for a path at a
// control socket, or where the run listens whose words are in a file, with a body that
// is in one, or the text, and the token that lies in another. It prints the answer's
// status and body. With -e it asks for the events after that one, or from the start.
func fetch(args []string) int {
	flags := flag.NewFlagSet("fetch", flag.ContinueOnError)
	method := flags.String("X", http.MethodGet, "")
	data, text := flags.String("d", "", ""), flags.String("b", "", "")
	after := flags.String("e", "", "")
	if err := flags.Parse(args); err != nil || flags.NArg() < 2 || flags.NArg() > 3 {
		fmt.Fprintln(os.Stderr, "usage: fetch [-X METHOD] [-d FILE | -b TEXT] [-e ID] where path [token]")
		return 2
	}
	if err := fetched(*method, *data, *text, *after, flags.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func fetched(method, data, text, after string, args []string) error {
	client, base, err := reach(args[0])
	if err != nil {
		return err
	}
	if after != "" {
		client.Timeout = 0 // until the end of the run
	}
	body := []byte(text)
	if data != "" {
		if body, err = os.ReadFile(data); err != nil {
			return err
		}
	}
	req, err := http.NewRequest(method, base+args[1], bytes.NewReader(body))
	if err != nil {
		return err
	}
	if after != "" {
		req.Header.Set("Accept", "text/event-stream")
	}
	if after != "" && after != "start" {
		req.Header.Set("Last-Event-ID", after)
	}
	if len(args) == 3 {
		token, err := os.ReadFile(args[2])
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	defer client.CloseIdleConnections()
	fmt.Printf("%d ", res.StatusCode)
	_, err = io.Copy(os.Stdout, res.Body)
	return err
}

// reach gives a client of a socket, or of where the run listens whose words are in
// a file.
func reach(where string) (client *http.Client, base string, err error) {
	client = &http.Client{Timeout: 30 * time.Second}
	if strings.HasSuffix(where, ".sock") {
		client.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", where)
		}}
		return client, "http://troupe", nil
	}
	said, err := os.ReadFile(where)
	if err != nil {
		return nil, "", err
	}
	at := metricsAt.FindSubmatch(said)
	if at == nil {
		return nil, "", fmt.Errorf("no address in %q", said)
	}
	return client, string(at[1]), nil
}
