//go:build e2e

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// seats are the rows of a role in so many villages.
func seats(villages, from, to int) string {
	var b strings.Builder
	b.WriteString("village,seat\n")
	for village := range villages {
		for seat := from; seat < to; seat++ {
			fmt.Fprintf(&b, "%d,%d\n", village+1, seat+1)
		}
	}
	return b.String()
}

// TestE2EWerewolfMeetsTheTheory plays 10,000 games a constellation, a hundred side
// by side and a hundred one after another, with the wolves in a process and the
// villagers in another. Wolves win as often as they do in theory, within three
// standard errors, and no villagers' process is told anything of a den. The program
// is built without the race detector, with which it would take many times as long.
func TestE2EWerewolfMeetsTheTheory(t *testing.T) {
	t.Parallel()
	const villages, games = 100, 100
	dir := t.TempDir()
	binary := filepath.Join(dir, "troupe")
	command(t, ".", "go", "build", "-o", binary, ".")
	for _, c := range []struct {
		players, wolves int
		talk            int // with which the pack agrees in its den before it kills
		chance          float64
	}{
		{5, 1, 0, 8. / 15},
		{7, 1, 0, 16. / 35},
		{7, 2, 1, 27. / 35},
		{9, 2, 0, 221. / 315},
		{9, 3, 0, 31. / 35},
		{12, 3, 0, 229. / 256},
	} {
		name := fmt.Sprintf("%d-%d", c.players, c.wolves)
		t.Run(name, func(t *testing.T) {
			here := t.TempDir()
			write(t, filepath.Join(here, "wolves.csv"), seats(villages, 0, c.wolves))
			write(t, filepath.Join(here, "villagers.csv"), seats(villages, c.wolves, c.players))
			write(t, filepath.Join(here, "werewolf.yaml"), fmt.Sprintf(`
name: werewolf
seed: 2008
clock: {deadline: 3m}
world: {kind: werewolf, config: {den: "den-{n}", games: %d, talk: %d}}
agents:
  - {id: "wolf-{village}-{seat}", for_each: wolves.csv, per_process: 1000, command: [troupe, bot, werewolf]}
  - {id: "villager-{village}-{seat}", for_each: villagers.csv, per_process: 1000, command: [troupe, bot, werewolf]}
channels:
  "den-{n}": {replicas: %d, members: ["wolf-{n}-*"]}
`, games, c.talk, villages))
			run := exec.Command(binary, "run", "--name", name, "--json", "werewolf.yaml")
			run.Dir = here
			text, err := run.Output()
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Timed   int `json:"timed_outcomes"`
				Columns struct {
					Games     float64
					WolvesWon float64 `json:"wolves_won"`
				}
			}
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			share, sigma := got.Columns.WolvesWon/got.Columns.Games, math.Sqrt(c.chance*(1-c.chance)/(villages*games))
			t.Logf("wolves win %.4f, in theory %.4f ± %.4f", share, c.chance, sigma)
			if got.Columns.Games != villages*games || got.Timed > 0 || math.Abs(share-c.chance) > 3*sigma {
				t.Errorf("%+v: want %d games, nothing decided by a clock, and the wolves to win %.4f ± %.4f", got, villages*games, c.chance, 3*sigma)
			}
			command(t, here, binary, "audit", name, "--reader", "villager-*", "--channel", "den-*", "--none")
		})
	}
}
