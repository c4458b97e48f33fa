package bots

import (
	"fmt"
	"testing"

	"github.com/troupe-dev/troupe/runtime/agent"
)

func inVillage(you, role, phase, step string, heard ...agent.Message) agent.Observe {
	secret := ""
	if role == "wolf" {
		secret = `"den":"den-1","pack":[{"player":"bob","agent":"w-2"},{"player":"eve","agent":"w-5"}],`
	}
	return agent.Observe{Messages: heard, Observation: fmt.Appendf(nil,
		`{"you":%q,"role":%q,%s"game":1,"day":2,"phase":%q,"step":%q,"living":["ann","bob","cleo","eve"],"dead":[]}`, you, role, secret, phase, step)}
}

func proposed(channel, body string) agent.Message {
	return agent.Message{From: "w-2", Channel: channel, Body: []byte(body)}
}

// By day a townsman votes for each of the others now and then, and never for itself.
func TestTownsmanByDay(t *testing.T) {
	for _, role := range []string{"villager", "wolf"} {
		var days []agent.Observe
		for range 300 {
			days = append(days, inVillage("eve", role, "day", "vote"))
		}
		votes := map[string]int{}
		for _, act := range ask(t, "werewolf", "{}", days...) {
			votes[string(act.Action)]++
			if len(act.Send) > 0 {
				t.Fatalf("a %s sends %s by day", role, act.Send[0].Body)
			}
		}
		for _, other := range []string{"ann", "bob", "cleo"} {
			if n := votes[fmt.Sprintf(`{"vote":%q}`, other)]; n < 60 || n > 140 {
				t.Errorf("a %s votes for %s %d times of 300, want about 100", role, other, n)
			}
		}
		if len(votes) != 3 {
			t.Errorf("a %s votes %v", role, votes)
		}
	}
}

// By night a wolf proposes in its den, and follows the first of its pack.
func TestTownsmanByNight(t *testing.T) {
	talk := ask(t, "werewolf", "{}", inVillage("eve", "wolf", "night", "talk"))[0]
	if string(talk.Action) != `{}` || len(talk.Send) != 1 || talk.Send[0].Channel != "den-1" {
		t.Fatalf("in the den it says %+v", talk)
	}
	var own string
	for _, kill := range []string{"ann", "cleo"} {
		if string(talk.Send[0].Body) == fmt.Sprintf(`{"game":1,"day":2,"by":"eve","kill":%q}`, kill) {
			own = fmt.Sprintf(`{"vote":%q}`, kill)
		}
	}
	if own == "" {
		t.Fatalf("in the den it says %s", talk.Send[0].Body)
	}
	for _, test := range []struct {
		says string
		you  string
		mail []agent.Message
		want string
	}{
		{"it has heard nothing", "eve", nil, own},
		{"bob comes before eve", "eve", []agent.Message{proposed("den-1", `{"game":1,"day":2,"by":"bob","kill":"cleo"}`)}, `{"vote":"cleo"}`},
		{"bob says another thing", "eve", []agent.Message{proposed("den-1", `{"game":1,"day":2,"by":"bob","kill":"ann"}`)}, `{"vote":"ann"}`},
		{"eve comes after bob", "bob", []agent.Message{proposed("den-1", `{"game":1,"day":2,"by":"eve","kill":"cleo"}`)}, own},
		{"that was last night", "eve", []agent.Message{proposed("den-1", `{"game":1,"day":1,"by":"bob","kill":"cleo"}`)}, own},
		{"that is no villager", "eve", []agent.Message{proposed("den-1", `{"game":1,"day":2,"by":"bob","kill":"eve"}`)}, own},
		{"that is not the den", "eve", []agent.Message{proposed("square", `{"game":1,"day":2,"by":"bob","kill":"cleo"}`)}, own},
		{"that is no wolf", "eve", []agent.Message{proposed("den-1", `{"game":1,"day":2,"by":"ann","kill":"cleo"}`)}, own},
		{"that is no proposal", "eve", []agent.Message{proposed("den-1", `"cleo"`)}, own},
	} {
		acts := ask(t, "werewolf", "{}", inVillage(test.you, "wolf", "night", "talk"), inVillage(test.you, "wolf", "night", "vote", test.mail...))
		if got := string(acts[1].Action); got != test.want {
			t.Errorf("%s: it does %s, want %s", test.says, got, test.want)
		}
	}
}
