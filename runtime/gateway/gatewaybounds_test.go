package gateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/troupe-dev/troupe/runtime/agent"
	"github.com/troupe-dev/troupe/runtime/price"
)

// A budget that is spent is refused in the provider's form, and told.
func TestGatewayBudget(t *testing.T) {
	b := NewBudgets()
	b.Enroll("ann", 0, Budget{Name: "limits.usd", USD: agent.FromDollars(0.001)})
	s := newStage(t, func(o *Options) { o.Budgets = b }, streams(stream, ending))
	if status, _, err := s.messages("one"); status != 200 || err != nil {
		t.Fatal(status, err)
	}
	status, answer, _ := s.messages("two")
	if status != 403 || !strings.Contains(answer, `"type":"permission_error"`) || !strings.Contains(answer, "limits.usd: $0.002 of $0.001 are spent") || len(s.refused) != 1 {
		t.Errorf("%d %s %v", status, answer, s.refused)
	}
}

// What is asked for may be any number: what a broken answer is taken to have cost is
// one all the same.
func TestGatewayBoundsOutput(t *testing.T) {
	b := NewBudgets()
	b.Enroll("ann", 0, Budget{Name: "all", USD: agent.Dollar})
	s := newStage(t, func(o *Options) { o.Budgets = b }, streams(stream))
	if _, _, err := s.ask(http.MethodPost, "/v1/messages", s.token, strings.Replace(asking, ":100,", ":9223372036854775807,", 1)); err == nil {
		t.Error("it is whole")
	}
	s.gateway.Close()
	haiku, _ := price.List().Of("claude-haiku-4-5")
	if got, want := b.Spent()["all"], haiku.Cost(&price.Tokens{Input: 1000, Output: price.MostTokens}); got != want || len(s.used) != 1 || s.used[0].USD != want {
		t.Errorf("%s are spent and %+v told, want %s", got, s.used, want)
	}
}

// An answer that cannot be kept is not passed on to its end, and what it cost is told:
// it is paid.
func TestGatewayCannotKeep(t *testing.T) {
	s := newStage(t, nil, streams(stream, ending))
	if err := os.RemoveAll(s.dir); err != nil {
		t.Fatal(err)
	}
	if _, answer, err := s.messages("one"); err == nil {
		t.Errorf("got %q", answer)
	}
	s.gateway.Close()
	if len(s.used) != 1 || s.used[0].USD != agent.FromDollars(0.002) {
		t.Errorf("told %+v", s.used)
	}
}

// A process that is killed in mid-stream costs nothing: its answer is taken in to
// the end, and the next process has it, even where it asks before that.
func TestGatewayOrphans(t *testing.T) {
	for name, late := range map[string]bool{"after": true, "meanwhile": false} {
		t.Run(name, func(t *testing.T) {
			began, goOn := make(chan struct{}, 9), make(chan struct{})
			s := newStage(t, nil, func(w http.ResponseWriter, r *http.Request) {
				streams(stream)(w, r)
				began <- struct{}{}
				<-goOn
				_, _ = io.WriteString(w, ending)
			})
			ctx, kill := context.WithCancel(t.Context())
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, agent.LookupAPI("anthropic").Base(s.url, "ann")+"/v1/messages", strings.NewReader(fmt.Sprintf(asking, "one")))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+s.token)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			<-began
			kill()
			_ = res.Body.Close()
			s.gateway.Started("ann")
			answered := make(chan string)
			ask := func() {
				_, answer, err := s.messages("the next process")
				answered <- fmt.Sprint(answer, err)
			}
			if late {
				close(goOn)
				s.gateway.wg.Wait()
				go ask()
			} else {
				go ask()
				time.AfterFunc(20*time.Millisecond, func() { close(goOn) })
			}
			if got := <-answered; got != stream+ending+"<nil>" {
				t.Errorf("the next process has %q", got)
			}
			if len(s.keys) != 1 || len(s.used) != 1 || !s.used[0].Whole {
				t.Errorf("the upstream was asked %d times; told %+v", len(s.keys), s.used)
			}
		})
	}
}
