package supervisor

import (
	"bytes"

	"github.com/troupe-dev/troupe/runtime/agent"
)

// headKept is how much of an over-long line is kept, to tell whose it was.
const headKept = 4 << 10

// A splitter cuts a stream into lines. A line longer than the protocol allows
// is dropped but for its head.
type splitter struct {
	part []byte // the beginning of an unfinished line
	cut  bool   // the unfinished line is too long already
	most int    // bytes a line may have; 0 for the protocol's
}

func (s *splitter) limit() int {
	if s.most > 0 {
		return s.most
	}
	return agent.MaxLine
}

// feed gives every line that chunk completes, without its newline. The slice
// is valid during the call.
func (s *splitter) feed(chunk []byte, line func(line []byte, cut bool)) {
	for {
		i := bytes.IndexByte(chunk, '\n')
		if i < 0 {
			s.keep(chunk)
			return
		}
		if len(s.part) == 0 && !s.cut && i <= s.limit() {
			line(chunk[:i], false)
		} else {
			s.keep(chunk[:i])
			s.give(line)
		}
		chunk = chunk[i+1:]
	}
}

// end gives what was left without a newline.
func (s *splitter) end(line func(line []byte, cut bool)) {
	if len(s.part) > 0 || s.cut {
		s.give(line)
	}
}

func (s *splitter) give(line func([]byte, bool)) {
	line(s.part, s.cut)
	s.part, s.cut = s.part[:0], false
	if cap(s.part) > 64<<10 {
		s.part = nil
	}
}

func (s *splitter) keep(b []byte) {
	if s.cut {
		return
	}
	s.part = append(s.part, b...)
	if len(s.part) > s.limit() {
		s.cut = true
		s.part = append([]byte(nil), s.part[:headKept]...)
	}
}
