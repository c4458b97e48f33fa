package plan

import (
	"strings"
	"testing"
)

// aGrid is a grid-game of 4 × 3 cells.
const aGrid = `name: t
clock: {ticks: 2}
world:
  kind: grid-game
  config: {width: 4, height: 3, moves: [C, D], payoffs: {CC: 1, CD: 0, DC: 2, DD: 0}, initial: {all: C}}
agents: [{id: "cell-{n}", replicas: 12, command: [cat]}]
`

func TestView(t *testing.T) {
	const talk = "name: t\nworld: {kind: conversation, config: {rounds: 9}}\nagents: [{id: \"a-{n}\", replicas: 12, command: [cat]}]\n"
	for name, c := range map[string]struct{ yaml, want string }{
		"of who says nothing":   {head + "agents: [{id: a, command: [cat]}]", `{"race":true,"threads":true,"charts":["*"]}`},
		"of a conversation":     {talk, `{"race":false,"threads":true,"charts":["*"]}`},
		"of a grid":             {aGrid, `{"grid":{"agents":"*","columns":4,"value":"observation.move"},"race":false,"threads":true,"charts":["*"]}`},
		"another grid":          {aGrid + "view: {grid: {agents: cell-1*, columns: 2, value: action.move}, race: true}", `{"grid":{"agents":"cell-1*","columns":2,"value":"action.move"},"race":true,"threads":true,"charts":["*"]}`},
		"no threads, no charts": {talk + "view: {threads: false, charts: []}", `{"race":false,"threads":false,"charts":[]}`},
		"a chart":               {talk + "view: {charts: [a-1*.action.heard]}", `{"race":false,"threads":true,"charts":["a-1*.action.heard"]}`},
	} {
		same(t, name, toJSON(t, mustExpand(t, t.TempDir(), c.yaml).View), c.want)
	}
	bare := mustExpand(t, t.TempDir(), aGrid)
	if seen := mustExpand(t, t.TempDir(), aGrid, "view.race=true"); !seen.View.Race || seen.Genesis() != bare.Genesis() {
		t.Errorf("the view is %+v and part of what the hash chain begins with", seen.View)
	}
}

func TestCells(t *testing.T) {
	for view, want := range map[string]string{
		"": "cell-1 cell-2 cell-3 cell-4 cell-5 cell-6 cell-7 cell-8 cell-9 cell-10 cell-11 cell-12",
		"view: {grid: {agents: cell-1*, columns: 2, value: action}}": "cell-1 cell-10 cell-11 cell-12",
	} {
		same(t, view, strings.Join(mustExpand(t, t.TempDir(), aGrid+view).Cells(), " "), want)
	}
	if cells := mustExpand(t, t.TempDir(), head+"agents: [{id: a, command: [cat]}]").Cells(); cells != nil {
		t.Errorf("without a grid there are cells: %v", cells)
	}
}

func TestViewProblems(t *testing.T) {
	for view, want := range map[string]string{
		"{grid: {agents: cell-*, columns: 4, value: move}}":    `7:50: view.grid.value: want a path below action or observation, got "move" (such as action.move)`,
		"{grid: {agents: bird-*, columns: 4, value: action}}":  `7:23: view.grid.agents: no agent matches "bird-*" (the agents are cell-{n})`,
		"{grid: {agents: cell-1*, columns: 5, value: action}}": `7:41: view.grid.columns: a row of 5 cells, and "cell-1*" matches 4 ()`,
		"{grid: {agents: cell-1*, value: action}}":             `7:8: view.grid: the key "columns" is missing ()`,
	} {
		told(t, t.TempDir(), aGrid+"view: "+view, nil, want)
	}
}
