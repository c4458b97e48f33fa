package bench

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/troupe-dev/troupe/runtime/plan"
)

// A side measures one of the two once, and gives its figures in order.
type side func(ctx context.Context, l *lab, s size) ([]float64, error)

// A figure is one number that a shape gives.
type figure struct {
	name string // behind the shape's; empty where there is only one
	unit string
	less bool // the lower the better
}

// A size is how large a shape is.
type size struct {
	agents, ticks int
	messages      int    // that each agent sends in a tick
	flood         string // of the first agent
	scenario      string // of the library, in place of all of the above
	durability    string // of the record; empty for the default
	state         string // how agents come back; empty for the default
	isolation     string // empty for none
	limit         string // of the first agent, which is at it all the time; empty for none
	kept          bool   // what models answer is
	readers       int    // of events
	name          string // behind the group's; empty for what is said above last
}

// A group is one row of the table: one thing to measure, in several sizes.
type group struct {
	name    string // what Only chooses by
	figures []figure
	note    string // what is measured, and against which floor
	full    []size
	quick   []size
	python  bool // needs Python
	floor   side
	troupe  side
}

// A shape is one group in one size.
type shape struct {
	*group
	size size
}

func (s shape) name() string {
	return s.group.name + "/" + cmp.Or(s.size.name, s.size.scenario, s.size.flood, s.size.durability, s.size.isolation, s.size.limit, strconv.Itoa(s.size.agents))
}

// groups is the table of all that is measured. Rates are for one supervisor;
// where nothing else is said, an agent is a process.
var groups = []group{
	{
		name: "spawn", figures: []figure{{unit: "processes/s"}},
		note:  "start side by side, until each has said ready; workspaces made; floor: fork, and read one line of each",
		full:  []size{{agents: 10, ticks: 1}, {agents: 100, ticks: 1}, {agents: 1000, ticks: 1}},
		quick: []size{{agents: 10, ticks: 1}},
		floor: floorSpawn, troupe: troupeSpawn,
	},
	{
		name: "walls", figures: []figure{{unit: "processes/s"}},
		note: "spawn behind each kind of walls; floor: spawn without",
		full: []size{{agents: 100, ticks: 1, isolation: "uid"}, {agents: 100, ticks: 1, isolation: "landlock"},
			{agents: 100, ticks: 1, isolation: "auto"}},
		quick: []size{{agents: 10, ticks: 1, isolation: "auto"}},
		floor: floorWalls, troupe: troupeSpawn,
	},
	{
		name: "ticks", figures: []figure{{unit: "ticks/s"}},
		note: "the whole tick: observe, act, a message per agent, record acknowledged, deadlines armed; " +
			"machine: with 100 processes and durability: machine, beside the same floor, which stores nothing",
		full: []size{{agents: 10, ticks: 4000, messages: 1}, {agents: 100, ticks: 1000, messages: 1}, {agents: 1000, ticks: 120, messages: 1},
			{agents: 100, ticks: 1000, messages: 1, durability: plan.DurableMachine}},
		quick: []size{{agents: 10, ticks: 100, messages: 1}},
		floor: floorTicks, troupe: troupeTicks,
	},
	{
		name: "length", figures: []figure{{"rate", "ticks/s", false}, {"memory", "MiB", true}},
		note: "how a run of 10 processes fares as it gets longer, by ticks: the whole tick, without the first tenth of the run; " +
			"the most resident memory of troupe run; floor: as ticks and memory, of 10,000 ticks at most",
		full:  []size{long(100), long(1000), long(10_000), long(100_000)},
		quick: []size{long(50), long(500)},
		floor: floorLength, troupe: troupeLength,
	},
	{
		name: "flood", figures: []figure{{"bare", "ticks/s", false}, {"fair", "ticks/s", false}},
		note: "ticks, while one agent floods all the time: its log, its stdout with lines that are none of the protocol, or 30,000 messages a tick; " +
			"floor of bare: the bare loop with the same children, where a thread more reads that log; " +
			"floor of fair: troupe, with a process of that agent that computes all the time and writes nothing, or with as many messages from all alike",
		full: []size{{agents: 100, ticks: 400, messages: 1, flood: floodLog}, {agents: 100, ticks: 400, messages: 1, flood: floodStdout},
			{agents: 100, ticks: 50, messages: 1, flood: floodMessages}},
		quick: []size{{agents: 10, ticks: 50, messages: 1, flood: floodLog}, {agents: 10, ticks: 50, messages: 1, flood: floodStdout},
			{agents: 10, ticks: 4, messages: 1, flood: floodMessages}},
		floor: floorFlood, troupe: troupeFlood,
	},
	{
		name: "limits", figures: []figure{{unit: "ticks/s"}},
		note: "ticks, while one agent is at a limit of its own all the time: it has used its processor time up, takes too much memory whenever it is " +
			"started again, writes to a log of which little is kept, or sends more messages than it may; floor: troupe, with an agent in its place that needs no limit, and computes all the time in that of the log",
		full:  []size{limited(100, 1000, "cpu"), limited(100, 1000, "memory"), limited(100, 400, "log"), limited(100, 1000, "messages")},
		quick: []size{limited(10, 1000, "cpu"), limited(10, 200, "memory"), limited(10, 200, "log"), limited(10, 500, "messages")},
		floor: floorLimits, troupe: troupeLimits,
	},
	{
		name: "world", figures: []figure{{unit: "ticks/s"}},
		note:  "ticks, with a world that is a process (troupe world); floor: as ticks, without a world",
		full:  []size{{agents: 100, ticks: 1000, messages: 1}},
		quick: []size{{agents: 10, ticks: 100, messages: 1}},
		floor: floorTicks, troupe: troupeWorld,
	},
	{
		name: "python", figures: []figure{{unit: "ticks/s"}}, python: true,
		note:  "ticks, with children in Python",
		full:  []size{{agents: 100, ticks: 600, messages: 1}},
		quick: []size{{agents: 5, ticks: 50, messages: 1}},
		floor: floorPython, troupe: troupePython,
	},
	{
		name: "shared", figures: []figure{{unit: "steps/s"}},
		note: "agents in 4 processes (troupe bot echo), no messages; floor: a writer and a reader per process",
		full: []size{{agents: 10, ticks: 4000}, {agents: 100, ticks: 2000}, {agents: 1000, ticks: 500},
			{agents: 10_000, ticks: 60}, {agents: 100_000, ticks: 8}},
		quick: []size{{agents: 1000, ticks: 20}},
		floor: floorShared, troupe: troupeShared,
	},
	{
		name: "messages", figures: []figure{{unit: "messages/s"}},
		note:  "from agent to agent, 20 a tick each; floor: the same lines, which nobody reads",
		full:  []size{{agents: 100, ticks: 400, messages: 20}},
		quick: []size{{agents: 10, ticks: 50, messages: 20}},
		floor: floorMessages, troupe: troupeMessages,
	},
	{
		name: "commit", figures: []figure{{"p50", "µs", true}, {"p99", "µs", true}},
		note: "from a record to its acknowledgement; machine: with durability: machine; " +
			"floor: write(2) of as many bytes to a file, for machine with an fsync after each",
		full: []size{{agents: 100, ticks: 1000, messages: 1},
			{agents: 100, ticks: 1000, messages: 1, durability: plan.DurableMachine}},
		quick: []size{{agents: 10, ticks: 100, messages: 1},
			{agents: 10, ticks: 100, messages: 1, durability: plan.DurableMachine}},
		floor: floorCommit, troupe: troupeCommit,
	},
	{
		name: "leases", figures: []figure{{"flock", "µs", true}, {"polling", "µs", true}},
		note: "a lease's hand-over under the realtime clock, through the agents' sockets: from unlock to the reply that the next one waits for, recorded; " +
			"floor: the same of a lock that nobody records, by flock(2), which blocks, and by gofrs/flock's TryLockContext, which looks every 10 ms",
		full:  []size{{agents: 2, ticks: 300}},
		quick: []size{{agents: 2, ticks: 20}},
		floor: floorLeases, troupe: troupeLeases,
	},
	{
		name: "commits", figures: []figure{{unit: "commits/s"}},
		note: "commits to the shared tree of one small file each, through so many agents' sockets, recorded and written; " +
			"floor: as many files written by another name and renamed, one after the other; machine: with durability: machine, the floor with an fsync each",
		full:  []size{{agents: 1, ticks: 4000}, {agents: 16, ticks: 16_000}, {agents: 16, ticks: 1600, durability: plan.DurableMachine}},
		quick: []size{{agents: 4, ticks: 400}, {agents: 4, ticks: 40, durability: plan.DurableMachine}},
		floor: floorCommits, troupe: troupeCommits,
	},
	{
		name: "record", figures: []figure{{"size", "bytes/event", true}, {"read", "events/s", false}},
		note: "an event: a line of troupe events, less those of type tick; size: the store's files; " +
			"read: decoded, hashes checked; floor: the lines as text in a file, and reading that",
		full:  []size{{scenario: "axelrod"}, {scenario: "nowak-may"}, {scenario: "rumour"}, {scenario: "tournaments"}, {scenario: "rabbits"}},
		quick: []size{{scenario: "rumour"}},
		floor: floorRecord, troupe: troupeRecord,
	},
	{
		name: "verify", figures: []figure{{"chain", "ticks/s", false}, {"execute", "ticks/s", false}},
		note: "a run of 10 processes on record, by ticks: troupe verify, and verify --execute, starting and stopping included; " +
			"floor: opening the store and reading the log's entries raw",
		full:  []size{long(1000), long(10_000)},
		quick: []size{long(100)},
		floor: floorVerify, troupe: troupeVerify,
	},
	{
		name: "replay", figures: []figure{{unit: "ticks/s"}},
		note:  "such a run replayed with --speed max to an observer over TCP, who hears all of it; floor: as verify",
		full:  []size{long(1000), long(10_000)},
		quick: []size{long(100)},
		floor: floorRaw, troupe: troupeReplay,
	},
	{
		name: "resume", figures: []figure{{unit: "ticks/s"}},
		note:  "such a run resumed: its ticks over the time until the first new one, in which world and agents are told all of them; floor: as verify",
		full:  []size{long(1000), long(10_000)},
		quick: []size{long(100)},
		floor: floorRaw, troupe: troupeResume,
	},
	{
		name: "captures", figures: []figure{{unit: "ticks/s"}},
		note: "ticks of agents (troupe bot historian) whose files are kept at every commit: none, where they write nothing, " +
			"and notes, where each rewrites two files a tick; snapshot: which tell their states every 10 ticks; " +
			"floor: troupe, with the same agents and state: reobserve",
		full:  []size{capturing(100, 300, "none"), capturing(100, 300, "notes"), capturing(100, 300, "snapshot")},
		quick: []size{capturing(5, 30, "none"), capturing(5, 30, "notes"), capturing(5, 30, "snapshot")},
		floor: floorCaptures, troupe: troupeCaptures,
	},
	{
		name: "readers", figures: []figure{{"rate", "ticks/s", false}, {"p99", "ms", true}},
		note: "a run of 10 processes that is paced at 20 ticks/s, with so many readers of its events over TCP, half of which never read; " +
			"p99: of what a tick takes; floor: troupe, without readers",
		full:  []size{read(1000, 400)},
		quick: []size{read(40, 40)},
		floor: floorReaders, troupe: troupeReaders,
	},
	{
		name: "comeback", figures: []figure{{unit: "ms", less: true}},
		note: "how long a run of 10 agents (troupe bot historian) takes to its first new tick when it is resumed, by ticks, " +
			"50 of them after the last checkpoint: with state: snapshot; floor: troupe, with state: reobserve",
		full:  []size{comingBack(550), comingBack(5050), comingBack(20_050)},
		quick: []size{comingBack(150)},
		floor: floorComeback, troupe: troupeComeback,
	},
	{
		name: "gateway", figures: []figure{{"first", "µs", true}, {"total", "µs", true}, {"rate", "requests/s", false}},
		note: "requests of 100 KB to a model that answers at once, in 50 events, by clients at a time, through the model gateway: " +
			"until the first byte, and the last; recorded: request and answer are kept; floor: the same without a gateway",
		full:  []size{asking(1, 400, false), asking(1, 400, true), asking(16, 1600, false), asking(16, 1600, true)},
		quick: []size{asking(1, 20, false), asking(4, 40, true)},
		floor: floorGateway, troupe: troupeGateway,
	},
	{
		name: "memory", figures: []figure{{"each", "KiB/process", true}, {"all", "MiB", true}},
		note:  "most resident memory of troupe run: what each process beyond the first 10 adds, and all of it; floor: a bare parent that is the same program",
		full:  []size{{agents: 1000, ticks: 50, messages: 1}},
		quick: []size{{agents: 50, ticks: 5, messages: 1}},
		floor: floorMemory, troupe: troupeMemory,
	},
	{
		name: "memory-shared", figures: []figure{{"each", "bytes/agent", true}, {"all", "MiB", true}},
		note:  "as memory, for agents in 4 processes; each: beyond the first 1,000; floor: the lines of one tick, both ways",
		full:  []size{{agents: 10_000, ticks: 5}, {agents: 100_000, ticks: 5}},
		quick: []size{{agents: 2000, ticks: 5}},
		floor: floorMemoryShared, troupe: troupeMemoryShared,
	},
}

// Groups lists what Only can choose.
func Groups() []string {
	names := make([]string, len(groups))
	for i := range groups {
		names[i] = groups[i].name
	}
	return names
}

// shapes are those of some groups, all where none is named.
func shapes(only []string, quick bool) (all []shape) {
	for i := range groups {
		g := &groups[i]
		if len(only) > 0 && !slices.Contains(only, g.name) {
			continue
		}
		sizes := g.full
		if quick {
			sizes = g.quick
		}
		for _, s := range sizes {
			all = append(all, shape{g, s})
		}
	}
	return all
}
