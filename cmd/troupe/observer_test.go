package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// natsTool stands in for the nats command line tool, so that the command that
// a run prints for its observers can be carried out as it stands:
//
//	nats sub --server URL SUBJECT   write down each message, one a line
//	nats probe --server URL RUN     try all that an observer must not do
func natsTool(args []string) int {
	if len(args) != 4 || args[1] != "--server" || natsTools[args[0]] == nil {
		fmt.Fprintf(os.Stderr, "nats: want sub or probe, --server, a URL and a name; got %q\n", args)
		return 2
	}
	errs := make(chan error, 64)
	nc, err := nats.Connect(args[2], nats.NoReconnect(), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { errs <- err }))
	if err != nil {
		fmt.Fprintln(os.Stderr, "nats: cannot connect:", err)
		return 1
	}
	defer nc.Close()
	if err := natsTools[args[0]](nc, errs, args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "nats:", err)
		return 1
	}
	return 0
}

var natsTools = map[string]func(nc *nats.Conn, errs <-chan error, name string) error{
	"sub": subscribe, "probe": probe,
}

// observing is how long a message, or an error, is waited for.
const observing = 60 * time.Second

// subscribe writes what it gets until the run is over. It makes the file that
// SUBSCRIBED names once the server has its subscription: whatever is published
// from then on reaches it.
func subscribe(nc *nats.Conn, _ <-chan error, subject string) error {
	got := make(chan *nats.Msg, 1000) // holds what came before the end of the run cuts the connection
	if _, err := nc.ChanSubscribe(subject, got); err != nil {
		return err
	}
	if err := errors.Join(nc.Flush(), os.WriteFile(os.Getenv("SUBSCRIBED"), nil, 0o600)); err != nil {
		return err
	}
	for {
		var m *nats.Msg
		select {
		case m = <-got:
		case <-time.After(observing):
			return errors.New("the end of the run was not told")
		}
		if strings.HasSuffix(m.Subject, ".log") {
			fmt.Println(m.Subject) // the packed record
			continue
		}
		fmt.Printf("%s %s\n", m.Subject, m.Data)
		if _, fact, ok := strings.Cut(m.Subject, ".run."); ok && slices.Contains([]string{"finished", "aborted", "interrupted"}, fact) {
			return nil
		}
	}
}

// probe publishes, asks and subscribes where it may not, and says of each what
// came of it.
func probe(nc *nats.Conn, errs <-chan error, run string) error {
	r := "troupe." + run
	for _, subject := range []string{
		r + ".msg.ann.bob", r + ".chan.square.ann", r + ".tick", r + ".log", r + ".run.finished", r + ".out.ann", "other",
		"$JS.API.INFO", "$JS.API.STREAM.LIST", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO." + run,
		"$JS.API.STREAM.MSG.GET." + run, "$JS.API.DIRECT.GET." + run, "$JS.API.CONSUMER.CREATE." + run,
		"$JS.API.STREAM.PURGE." + run, "$JS.API.STREAM.DELETE." + run, "$SYS.REQ.SERVER.PING",
	} {
		// The answer would come to where an observer may listen.
		err := nc.PublishRequest(subject, r+".probe", []byte(`{"last_by_subj":"`+r+`.log"}`))
		if err := refusal(nc, errs, err, "publish on "+subject); err != nil {
			return err
		}
	}
	for _, subject := range []string{">", "troupe.>", "troupe.other.>", "_INBOX.>", "$JS.>", "$SYS.>", r + ".ask.ann", r + ".out.>"} {
		_, err := nc.SubscribeSync(subject)
		if err := refusal(nc, errs, err, "subscribe to "+subject); err != nil {
			return err
		}
	}
	return nil
}

// refusal waits for the server's word on what was just done.
func refusal(nc *nats.Conn, errs <-chan error, err error, what string) error {
	if err := errors.Join(err, nc.Flush()); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	select {
	case err := <-errs:
		if !errors.Is(err, nats.ErrPermissionViolation) {
			return fmt.Errorf("%s: %w", what, err)
		}
		fmt.Println("refused:", what)
		return nil
	case <-time.After(observing):
		return fmt.Errorf("%s was not refused", what)
	}
}
