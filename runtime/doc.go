// Package runtime runs a plan: it is the one place where the parts below meet,
// are started and are stopped in order. This page is the architecture.
//
// # How data flows
//
// In one direction:
//
//	scenario.yaml
//	  → scenarios.Load   decode and check: every problem at once, with its place
//	  → plan.Expand      name every agent, fill every default, find every file
//	  → Run              wire what follows, wait, stop it
//	  → engine.Lockstep  tick by tick: ask, gather, step the world; or
//	    engine.Realtime  turn by turn, as things arrive
//	  → record.Log       one record a tick, chained by hash, acknowledged
//	  → effects          mail, who came and went, processes to start and to end
//	  → observers        live subjects on the bus, the API, the terminal
//
// The plan is made before anything starts and never changes. The log is the one
// source of truth: what was decided in a tick is in its record before anything
// acts on it, and whatever is told of a run later is read from there.
//
// # Who owns what
//
//	scenarios           what people write: schema, decoder, JSON Schema, the library
//	runtime/plan        a scenario resolved, and H(0), where the hash chain begins
//	runtime/agent       the protocol's lines, the table of kinds, the client for authors
//	runtime/world       the rules of games, the table of them, worlds that are processes
//	runtime/engine      the loop; the society: mail, channels, who is alive
//	runtime/record      records, their encoding and hash chain, the manifest; and export,
//	                    below it, the tables of runs and the formats that they have
//	runtime/supervisor  processes: start, ask, deadline, restart, hydrate, stop, reap
//	runtime/observe     questions about runs: the socket, its client, the store; metrics
//	runtime/tree        the shared tree as it is decided: versions, leases, change sets
//	runtime/proxy       the way out to listed hosts, for processes whose walls leave no other
//	runtime/gateway     the way to models: keys, budgets, rate limits, what was answered
//	runtime/price       what models cost
//	runtime/socket      what agents ask beside their lines, the client for it
//	runtime/mcp         the same as tools and resources for models, by that client
//	workspace           directories, the locks on them, captures of what is in them, the
//	                    table of isolation tiers; and confine, below it: the binary
//	                    started again to restrict itself before it is an agent
//	bus                 the embedded NATS server, its store, subjects, credentials
//	dashboards          the live page and reports; what Grafana and Prometheus need to
//	                    show a run's metrics
//	runtime/bench       how fast all of this is, beside bare loops with the same children
//	runtime             the wiring; what a run is expected to come to; what is published
//
// A package declares the interfaces it consumes, so that few arrows are needed:
// engine knows neither supervisor nor bus, supervisor knows neither plan nor
// record. The adapters between them are here (the type fleet, processWorld).
// TestLayers holds the table of all arrows and fails on another one.
//
// # A tick
//
// decided → recorded → applied, in this order, in the one goroutine of Lockstep:
//
//  1. compose: the world gave an observation to some agents, each of which gets
//     an observe with the results and the mail that wait for it.
//  2. gather: the fleet is asked and answers in any order. An answer without an
//     action is a failure; its policy settles it, or has the agent asked again.
//     When nobody owes an answer, this is the barrier.
//  3. step: the outcomes go to the world, by agent id. It may refuse some, which
//     are failures again: back to 2 for those alone, then the same step again.
//  4. write: the record is made of turns, messages and the world's answer, each
//     list in its canonical order. All that a world may not say is found here, and
//     what faults of the scenario make of each message is decided.
//  5. commit: Log.Append hashes, compresses and stores the record and returns
//     once the store has acknowledged it. Just before, the files are kept of
//     those who come back by them and were asked in the tick (Fleet.Capture). Up
//     to here an interruption or an error abandons the tick without a trace; a
//     commit that has begun is finished.
//  6. tell: live subjects, where a client is connected; followers of the record,
//     metrics, the terminal.
//  7. apply: the society takes the record in. Mail is delivered, scores are
//     kept, agents come and go, channels change. Nothing else ever changes it.
//  8. effect: the fleet ends the processes of those who left and starts those of
//     the newcomers; it does not wait for them.
//  9. checkpoint, every so many ticks: the world's state, the states that agents
//     tell (Fleet.Snapshot), and the society are written beside the log.
//
// # Realtime
//
// The table clocks says which loop plays a run. Realtime shares with Lockstep
// all but the barrier (the type loop): policies, the record's making, commit and
// what follows it, and the same society. An agent has an open turn or none; one
// is opened for whoever is free and has an observation of the world's that it
// was not asked with, mail or results, and each outcome is a record of its own.
// Others' records come between a turn's observe and its own, so the turn says
// what its observe was made of (record.Taken: the tick, how many of those that
// waited, how many of them marked as redelivered), and society, history and
// dues take it from there: nothing depends on when that was.
//
// What comes from outside goes through the Door: a call waits in it, wakes the
// loop (Fleet.Wake ends its Await), and is answered once its record is
// acknowledged. An answer may wait for its record while others are committed, so
// the fleet keeps what a process answered until its agent is asked again, and
// tells a process that comes back whatever of it the log did not tell already.
// A process that is told what a dead one was told has it marked, in the line and
// so in the record; on resume the loop marks all that waits.
//
// # Goroutines, and who waits for them
//
// The caller of Run is the loop's goroutine. It alone calls the world, the log's
// Append and the fleet's Ask, Add, Retire, Substitute and Facts. Beside it:
//
//   - A thread a core serves the pipes of its share of the processes: the
//     watchers. Each writes what was asked, reads the answers in order and hands
//     them over together; in between it waits for whatever any of its processes
//     writes. Single-threaded processes are kept on their watcher's core. The
//     loop does the first watcher's work itself while it awaits answers. On other
//     systems a process has a goroutine for each end of its output instead.
//     Fleet.Stop ends them.
//   - A process has a goroutine that starts it and brings it to where it can be
//     asked, and one that takes it through its stop. An agent with a process a
//     turn has one for the turn, and one for each end of its output. Fleet.Stop
//     waits until every process is gone and these have ended.
//   - The watchdog has one that measures what limited processes take, and one for
//     what their files do. Fleet.Stop ends them.
//   - Four threads fork all processes and live until the fleet is stopped, since
//     a child's parent-death signal follows the thread. Fleet.Stop ends them.
//   - The reaper, one for the whole program: it collects every dead child, ours
//     and orphans alike. The last fleet to stop kills the orphans and ends it.
//     What a single process left is killed when that is gone, before another
//     takes its place (supervisor/sweep_linux.go): all that it started has its
//     tag, or its user, whatever it did to its session, parents and environment.
//   - A world that is a process has one that reads it; the world's Close waits.
//   - The API's servers, on the socket and over TCP, and their requests; their stop
//     waits 2 s for requests, 5 s more for those that remove a run, then cuts
//     them; those at the Door are answered before.
//     A scrape, or a question about agents, reads what the loop counts, by atomics
//     and locks that are held for moments, asks the fleet for its Statuses, and
//     reads /proc; the loop never waits for one. What records come to for each
//     agent is counted from the log once somebody asks, and with each commit from
//     then on.
//   - What an agent's process serves at its port is asked for by the API's requests
//     themselves; a connection that goes both ways ends with the server's stop.
//   - A second interruption has a goroutine that stopFleet waits for.
//   - A server has one for each run that it plays, which is the caller of Run to it;
//     Serve waits for all of them.
//   - A connection of an agent's program has one that takes what it says; the end of
//     the connection ends it, and is told by it: its process waits for that. One
//     more watches while a program is waited for, and ends with the wait.
//   - The NATS server's own; Bus.Close waits for the server's shutdown.
//
// Scripts fail where a goroutine outlives the program's main function.
//
// # Start and stop
//
// A Host is acquired in this order, and released in the reverse one, so that
// whoever uses a thing stops before the thing does:
//
//  1. the lock on the data directory: given back last, so that whoever comes next
//     finds everything at rest
//  2. the bus with its store
//  3. the port of --listen, if any, and its server: before there is a run, which
//     would be left behind where the port is taken; and released after the runs,
//     so that /healthz answers as long as anything lives and the last scrape sees
//     the last tick
//  4. the control socket and its server
//
// A run in it, likewise:
//
//  1. its place among those that the host knows, and the run's name, by making its
//     directory (it stays); the copies of its files and the manifest, synced to disk
//     before any process of the run exists (which versions the interpreters have,
//     they are asked before: supervisor.Output)
//  2. the log's stream
//  3. Live and Door, which let go of those who follow the run or send to it; its
//     result is written down just before they do
//  4. the world, whose process, where it is one, starts with the loop
//  5. the fleet, whose processes start side by side, and then the loop. /readyz says
//     yes between the world's start and the loop's end
//
// troupe run is a host for one run. troupe serve is one for many (the type server):
// a submission is taken as far as 2, which is a run with an empty log, and put into
// the queue, a directory of the host's. To play it is to resume it, from the queue
// or after a server was killed. A run leaves the queue with its end, or when
// somebody stops it; a server that stops leaves it in there.
//
// Agents and a world that is a process are stopped side by side, in 4 s at most:
// stop lines and the end of stdin, TERM after 2 s, KILL 1.5 s later, to the whole
// process group. An agent that leaves during a run is given 5 s and 5 s.
//
// # Crashes, parking and hydration
//
// A process that dies while it owes answers is, under the policy restart, started
// again: the first time at once, then after a growing pause. Its directories are
// emptied, each of its agents gets its init, and then it is told its past: tick
// by tick every observe that it had answered, from the log (engine.History) and,
// what is not committed yet, from memory. Its answers are compared with the
// record and dropped; a difference is a fact in the record's annex. Then it is
// asked what is open. That is the state reobserve. Under snapshot it begins with
// the newest state that its agents told, and the files that went with it, and is
// told what came since (supervisor/snapshots.go). Under session and none it finds
// its files as they were at the last committed tick, where it died at work, and
// as it left them, where it did not; and is told no past. A shared process that died twice in a tick is
// asked for its agents one by one, to find the one that kills it. A world that
// is a process is stepped again through the recorded outcomes
// (engine.WorldHistory).
//
// Parking is the same on purpose: stdin is closed, the end awaited, and the next
// ask brings the process back. It happens after each turn (ephemeral), after a
// time with nothing to do (hybrid), and where the limit of residents is reached
// and another process wants the place (supervisor/places.go). Under the realtime
// clock it waits for the record of every turn that the process has answered. A tool
// whose process answers once (agent.Tool.PerTurn) ends by itself: its answer counts
// when it is gone, and it is parked from there on.
//
// A record.Checkpoint is the society, the world's state and the run's sums
// between two ticks. All that reads the log to go on, to tell a process its past
// or to restore a world begins at the newest one that is early enough, or at the
// log's start. It is made from the log and can be lost. What an uncommitted tick
// left ahead of the log, states and files alike, is dropped when a run resumes.
//
// Resume is the same for a whole run: what the dead supervisor left is killed
// (supervisor.KillLeftovers), engine.Restore rebuilds the society and steps the
// world through the record, and every process begins with a past. One reading
// of the log tells all that come back together (rehearsal).
//
// A process's directories begin empty, or its work as a template: a tree in the run
// that is copied from beside the scenario, or cloned, before anything starts, and
// never changes (templates.go). Resetting a workspace copies it again.
//
// Loop, hydration and restoring a world agree on what an agent was told because
// they apply the same records to a society with the same code.
//
// A fork is resumed too, once it is made (runtime/branch.go): it has the parent's
// ticks in its own log, and what is kept of processes up to there. Its plan names
// the one that played these ticks (plan.Fork), and the society changes over from
// one to the other where it comes to that tick (engine/fork.go), so that all who
// apply records do so there. A process that was not there before is told all the
// past, and held to none of it. What H(0) is made of cannot be changed.
//
// Verify executes a recorded run again with the same parts: engine.Repeat in
// place of Lockstep tells world and fleet what is on record and compares what
// they say. The fleet has a deadline of its own, and works in a scratch
// directory with a copy of the log, so that the store is held for as long as
// copying takes.
//
// If the supervisor itself dies, the kernel kills its direct children, the lock
// ends with it, and the log holds every tick that was acknowledged. Under
// durability: machine that is true of a power cut too: the bus syncs each record
// before it acknowledges it.
//
// A disk may lose what it had. The server in the bus cuts its files off where it
// cannot read them, or believes what they say and counts without end; so the bus
// surveys them before it starts the server, keeps a note of what was there
// (bus/damage.go), and lets the server read no block that it has not checked
// (bus/survey.go). Reading a log to where it is damaged gives a
// record.BrokenError with the last sound tick, and record.Repair drops the rest:
// the log is the old one or the repaired one at any moment (bus/truncate.go), its
// entries numbered without gaps.
//
// # Faults
//
// Faults of the scenario act in two places. What becomes of a message is drawn
// where the record is written, by the seed, the tick, the sender and the message's
// place (engine/faults.go), and is part of what is hashed: whoever delivers, now,
// resumed or told again, goes by the record and draws nothing. Faults of processes
// (engine/strikes.go) are noted in a file of the run and synced before they act,
// so that a tick which is played again does not repeat them; the fleet carries
// them out once the process has its observe, and they are facts in the annex.
//
// # Files in common
//
// The shared tree is decided by runtime/tree, which is pure: versions, rules,
// leases, what becomes of a change set. The society has one between two ticks, as
// it has channels, and records change it. An observe carries the tree of its tick
// (agent.Scene), live and told again alike, so that whoever asks through a socket
// sees that one: nothing is looked up by the time. What is asked for between an
// observe and its act the supervisor stages (supervisor/desk.go) and hands over
// with the answer; the engine decides it where the record is written
// (engine/shared.go). Under the realtime clock each request is a call at the Door
// and a record of its own (engine/atonce.go), and whoever waits for a lease waits
// there. What was asked for before an answer that is on record goes with its observe
// when that is told again (agent.Past), and is answered from there, for a process
// that comes back and where a run is executed again, which compares it. Once the record
// is acknowledged the Shelf writes the files,
// which are made from the log and can be lost. Who reads them directly has a view of
// its own (workspace/view.go): links to what it may read, which the Shelf keeps up.
//
// # Models
//
// An agent may be a command line tool that talks to a model: a kind with a Tool.
// Its Dialect turns an observe into the tool's own message and the tool's stream
// into an act or a failure. It says no ready; under the state session a restarted
// one is given the session that its last answer named, and is told no past; an
// answer counts only once it stands in that session (Tool.Recorded), which the
// supervisor waits for apart from everything else (supervisor/held.go). By its
// socket an agent may hand in the action ahead of the answer: it is kept with what is
// staged, and put in the answer's place when that comes (supervisor/hand.go), so that
// all that follows knows one act alone. Tool.Files tell the tool of the MCP servers
// that it starts or reaches, troupe mcp first, which is a client of that socket. What
// an answer cost travels like a fact: Fleet.Usages → the record's annex → the
// society, which holds the limits of agents against it (engine/limits.go) before
// it asks, while a run's own limit ends the run between two ticks. Under the
// policy wait the supervisor asks again a model that had no room, and neither the
// engine nor the deadline hears of it. Secrets are read when a run starts and
// live in this process and in those that they are given to; whatever the
// supervisor writes down of a process goes past a redactor that knows them.
//
// # The model gateway
//
// A run whose entries go through it opens a gateway at an address of its own (the type
// gate) before any process starts. A process gets that address and a token in place of
// a key (gate.admit), and a Bill, which is all that gateway and supervisor know of each
// other: the process says in it which turn it is in, the gateway what a request took,
// that one was refused, and that one is held back, while the deadline's clock stands.
// An answer takes along what was billed since the one before; what none took goes on
// record with the tick (Fleet.Usages).
//
// An exchange has its place in the run: agent, tick, attempt, ordinal. Its bodies are
// kept under their hashes, and it counts once its line is written, before its last byte
// is passed on (gateway/billed.go). A process that starts again asks in its turn what
// its forerunner has asked, and is answered from there (gateway/past.go); what was
// being answered when that died is taken in to its end, for the next one
// (gateway/flying.go). Executing a run again is the same with a past that is all there
// is (gatepast.go).
//
// # Programs on the bus
//
// An agent of a kind with Bus has a seat there (bus.Seat): credentials, and what
// they allow. Its driver is the one of all processes that live over many turns; in
// place of pipes a Caller brings a connection (supervisor/called.go), whose end is
// the death of the process, and what is written to stdin are messages on its ask
// subject. All that it says comes on one subject, in order: answers, and messages
// that go with its next act or, in realtime, through the Door (Door.Publish). The
// server checks who may listen to what; a seat follows the channels that its agent
// is in after each commit (seats.committed). Who is connected by itself is no
// process, and is waited for as long as a process may take to be ready.
//
// # People
//
// An agent of a kind that is Human has a driver of its own (supervisor/human.go) that
// holds what is asked until somebody answers it: Fleet.Asked and Fleet.Reply, which
// the API reaches through humans. It has no process and no past: what is not answered
// in time is taken back, and nothing is owed.
//
// # Walls
//
// What stands around agents is settled before the manifest is written: Survey asks
// each tier that the plan's isolation names why it is barred, Raise makes those
// that are not, for one run. A process's workspace is opened through them, which
// gives it to the user that the process runs as, and its command goes through
// them before each start (Walls.Enclose). They only write down what is to be
// done: in the agent's place the supervisor starts this binary, which finds itself
// meant before most packages have begun (package confine), restricts itself and
// executes the agent. A launch waits for that, so that what cannot be executed
// fails there. workspace.Attacks says what each tier stops; a test of the command
// carries all of them out. What connects to control.sock and descends from the
// supervisor is hung up on (observe.Outsiders), and so is what connects to an
// agent's socket and does not descend from its process, where the user at the other
// end does not tell (Fleet.kin). Worlds that are processes have the walls that agents
// have, and so does what is tried by itself (Try).
//
// Landlock knows ports alone. Where a program's network lists hosts, the run opens a
// proxy (package proxy) before any process starts and closes it after the last has
// ended; a process of such a program has its port beside those listed and a
// credential of its own in its environment (fleet.outward), by which the proxy holds
// it to its list.
//
// # Limits
//
// What the kernel can hold a process to by itself (files, the size of a file) it
// sets on itself before it is the agent. Memory and processes are a control group's
// where one can be written (workspace.FindCgroups), processes its user's where it has
// one of its own; the rest, and these two where neither is to be had, is measured by
// the fleet's watchdog. A bond ties one child to all of it; an excess ends the child
// with its process group, and its death sweeps the rest, as every death does
// (supervisor/sweep_linux.go). An account keeps what the processes of one place take,
// one after another; facts of the kind spent carry it to the record, and society and
// Start from there to the next supervisor. What passes the engine (turns, messages,
// the run's money and time) is held by it, in engine/limits.go.
//
// # Runs on record
//
// Commands that read a run ask the supervisor of the data directory, where one is
// alive, for its record, packed as it is, and else open the store themselves
// (observe.Read). Replay holds the directory as Run does, has no fleet and no
// world, and tells observers of each record with the same teller.
//
// # Those who follow a run
//
// A run that somebody follows has a source (observe/source.go), which holds its log
// open until the last reader leaves. No goroutine is added: of those who wait for more
// one waits for the run (Live.More), reads what was committed from the log and tells
// the others, so that each tick is read and encoded once for all, and never by the
// loop. A feed keeps the newest ticks as events; whoever is behind it reads the log
// by itself. Frames keep one picture, in which everything has the tick of its last
// change: the difference to any earlier tick is what is younger, so that a slow
// reader gets several ticks in one frame. Pictures of earlier ticks are kept, evenly
// and within bounds, and any tick's is made from the nearest before it. All of it is
// made from the log and can be lost.
//
// # Why the hash does not depend on timing
//
// H(0) is a hash of seed, world and its config, channels and the agents with
// their configs; H(t+1) one of H(t) and the hashed part of the record of tick t,
// which holds what was observed, answered, said and scored, and not when, in how
// many attempts, by which process or under which pid: that is the annex. Nobody
// is told within a tick what another does in it. Lists are ordered by id and
// position, never by arrival; JSON is kept as it came, less the blanks between
// tokens; each agent and the world draw from seeds of their own. A restart
// changes nothing, since the answers of the past are the record's.
// What a clock does decide (a deadline, giving up on a process) is an outcome
// like any other, and is counted as timed: while the count is 0, the same
// scenario, seed and answers give the same hash.
//
// # Where to add
//
//   - a kind of agent: a file in runtime/agent with a Kind and its Dialect, and a
//     line in the table kinds there
//   - a built-in world: a file in runtime/world with a World and its example, and
//     a line in the table kinds there
//   - an isolation tier: a file in workspace with a Tier, a line in the table tiers
//     there, and what it stops in the table Attacks
//   - a metric: in runtime/observe, in the type whose source it has; it is shown by
//     a panel in dashboards/build, `go generate ./dashboards` writes the JSON, and a
//     test of observe the README's table
//   - a table to export: an entry in Tables in runtime/record/export; a format:
//     one in Formats there
//   - something to measure: a row in the table groups in runtime/bench
//   - a tool of troupe mcp: an entry in the table tools in runtime/mcp
//   - a command: a file in cmd/troupe, and a line in the table commands there
//
// The tests of agent and world range over their tables, so what is added there is
// tested with no other edit; TestReadme says what the README lacks then.
package runtime
