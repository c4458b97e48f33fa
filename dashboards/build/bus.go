package main

// busAndRecord builds the dashboard of what keeps a run: the record, the bus that it is
// stored by, and the disk.
func busAndRecord() ([]byte, error) {
	s := newSheet("Bus and record", "troupe-bus", "What keeps a run and tells of it: the record, the bus, the disk.")
	s.ofRun()
	s.record()
	s.bus()
	s.disk()
	return s.json()
}

func (s *sheet) record() {
	s.row("Record")
	s.WithPanel(s.graph("Commit duration", "From handing a record over to its acknowledgement.", "s",
		quantilesOf("troupe_tick_duration_seconds", `phase="commit"`, "phase")...))
	s.WithPanel(s.graph("Bytes of records per second", "As they are stored.", "Bps",
		query{rate("troupe_record_bytes_total", "run"), "bytes"}))
	s.WithPanel(s.graph("Bytes of a record", "On average, as they are stored.", "bytes",
		query{rate("troupe_record_bytes_total", "run") + " / (" + rate("troupe_ticks_total", "run") + " > 0)", "bytes"}))
	s.WithPanel(s.graph("Store", "What the logs of all runs take.", "bytes",
		query{ofSupervisor("troupe_bus_store_bytes"), "logs"}))
}

func (s *sheet) bus() {
	s.row("Bus, of all runs")
	s.WithPanel(s.graph("Pending", "What waits for connections that do not read it.", "bytes",
		query{ofSupervisor("troupe_bus_pending_bytes"), "pending"}))
	s.WithPanel(s.graph("Slow consumers", "Connections that were cut off since they did not read.", "short",
		query{ofSupervisor("troupe_bus_slow_consumers_total"), "cut off"}))
	s.WithPanel(s.graph("Messages per second", "Messages that came in, and that were given to connections.", "ops",
		query{ofSupervisor("rate(troupe_bus_messages_total[$__rate_interval])"), "{{direction}}"}))
	s.WithPanel(s.graph("Bytes per second", "Of these messages.", "Bps",
		query{ofSupervisor("rate(troupe_bus_bytes_total[$__rate_interval])"), "{{direction}}"}))
	s.WithPanel(s.graph("Connections", "Clients and the supervisor, and what they subscribe to.", "short",
		query{ofSupervisor("troupe_bus_connections"), "connections"},
		query{ofSupervisor("troupe_bus_subscriptions"), "subscriptions"}))
}

func (s *sheet) disk() {
	s.row("Disk")
	s.WithPanel(s.graph("Data directory", "Room on the file system of the data directory.", "bytes",
		query{ofSupervisor("troupe_data_free_bytes"), "free"},
		query{ofSupervisor("troupe_data_size_bytes"), "size"}))
}
