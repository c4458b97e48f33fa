package record

// AppendTick appends what the live subject of ticks carries for one:
// {"tick","hash","scores":{agent: number},"columns":{name: value}}, and "end"
// where it was the last. Scores are those that changed.
func AppendTick(dst []byte, r *Record, hash [HashSize]byte) []byte {
	l := line{dst}
	l.begin()
	l.int("tick", r.Tick)
	l.hash(&hash)
	l.key("scores")
	l.begin()
	for i := range r.Scores {
		l.member(r.Scores[i].Agent, r.Scores[i].Value)
	}
	l.end()
	l.key("columns")
	l.begin()
	for i := range r.Columns {
		l.member(r.Columns[i].Name, r.Columns[i].Value)
	}
	l.end()
	l.some("end", string(r.End))
	l.end()
	return l.dst
}

// member is a field whose name is data.
func (l *line) member(name string, value []byte) {
	if n := len(l.dst); l.dst[n-1] != '{' {
		l.dst = append(l.dst, ',')
	}
	l.dst = appendString(l.dst, name)
	l.dst = append(l.dst, ':')
	if len(value) == 0 {
		value = []byte("null")
	}
	l.dst = append(l.dst, value...)
}

// AppendMessage appends what the live subject of a message carries:
// {"tick","from","to" or "channel","body"}, and what faults made of it:
// "copies" unless 1, "delay" in ticks and "cut", the recipients that did not
// get it, unless 0; "refused" where its sender may not send it.
func AppendMessage(dst []byte, tick int, m *Message) []byte {
	l := line{dst}
	l.begin()
	l.int("tick", tick)
	l.message(m)
	l.end()
	return l.dst
}
