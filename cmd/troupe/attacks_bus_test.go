package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/nats.go"
)

// onTheBus is a name in workspace.Attacks.
const onTheBus = "publish as another, listen to others or read the store by its own credentials"

// tellAttack logs what came of an attack; an error is that it was stopped.
func tellAttack(of, name string, err error) {
	text := "done"
	if err != nil {
		text = "stopped: " + strings.NewReplacer("\n", "; ", "\t", " ").Replace(err.Error())
	}
	fmt.Fprintf(os.Stderr, "attack\t%s\t%s\t%s\n", of, name, text)
}

// raidBus attacks an agent named mark, on the bus, in tick 1, and logs what came
// of it.
func raidBus(b *natsBot, o *natsAsk) {
	if o.Tick != 1 {
		return
	}
	tries := 0
	tell := func(name string, err error) {
		tries++
		tellAttack(onTheBus, name, err)
	}
	run := "troupe." + b.badge.Run
	for _, subject := range []string{
		">", run + ".>", run + ".ask.mark", run + ".out.mark", run + ".msg.*.mark", run + ".chan.den.*", run + ".chan.*.*", run + ".log",
		"_INBOX.>", "_INBOX.*.*", "$JS.>", "$JS.EVENT.ADVISORY.>", "$SYS.>",
	} {
		_, err := b.nc.SubscribeSync(subject)
		tell("listening to "+subject, b.stopped(err))
	}
	for _, subject := range []string{
		run + ".out.mark", run + ".ask.mark", run + ".msg.mark." + b.badge.Agent, run + ".chan.den.mark", run + ".log", run + ".run.finished",
		"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO." + b.badge.Run, "$JS.API.STREAM.MSG.GET." + b.badge.Run,
		"$JS.API.CONSUMER.CREATE." + b.badge.Run, "$JS.API.STREAM.DELETE." + b.badge.Run, "$SYS.REQ.SERVER.PING",
	} {
		tell("publishing on "+subject, b.stopped(b.nc.PublishRequest(subject, b.badge.Inbox+".x", []byte(`{}`))))
	}
	for name, g := range map[string]natsBadge{
		"mark":           b.theirs(),
		"an observer":    {User: "observer", Password: b.badge.Password},
		"the supervisor": {User: "supervisor", Password: b.badge.Password},
		"nobody":         {},
	} {
		tell("connecting as "+name, b.admitted(g))
	}
	fmt.Fprintf(os.Stderr, "over\t%d\n", tries)
}

// stopped is an error where the server has refused what was just done, and nil
// where it has not.
func (b *natsBot) stopped(err error) error {
	if let := isRefused(b.nc, b.errs, err); let != nil {
		fmt.Fprintln(os.Stderr, "not refused:", let)
		return nil
	}
	return nats.ErrPermissionViolation
}

// theirs are the credentials of the agent mark, if they can be read.
func (b *natsBot) theirs() (g natsBadge) {
	text, err := os.ReadFile("../../mark/nats.json")
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		return natsBadge{User: "mark", Password: b.badge.Password}
	}
	return g
}
