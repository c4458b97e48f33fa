package agent

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// peek is the byte to be read next, 0 at the end (and 0 begins no token).
func (s *scan) peek() byte {
	if s.i < len(s.data) {
		return s.data[s.i]
	}
	return 0
}

func (s *scan) blank() {
	if s.i < len(s.data) && s.data[s.i] <= ' ' {
		s.skipBlank()
	}
}

func (s *scan) skipBlank() {
	for s.i < len(s.data) {
		switch s.data[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
			s.spaced = true
		default:
			return
		}
	}
}

// str passes over a string.
func (s *scan) str() bool {
	data, i := s.data, s.i+1
	for i < len(data) {
		if i+8 <= len(data) {
			n := plainBytes(binary.LittleEndian.Uint64(data[i:]))
			i += n
			if n == 8 {
				continue
			}
		}
		c := data[i]
		if isPlain(c) {
			i++
			continue
		}
		if c == '"' {
			s.i = i + 1
			return true
		}
		s.i = i
		if !s.special(c) {
			return false
		}
		i = s.i
	}
	s.i = i
	return s.unexpected("the end of a string")
}

// plainBytes counts the bytes from the lowest on of which isPlain holds.
func plainBytes(x uint64) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote, backslash := x^(ones*'"'), x^(ones*'\\')
	// A subtraction borrows from the byte above only where it marks its own,
	// so the lowest mark is true.
	marks := (x | (x - ones*0x20) | (quote - ones) | (backslash - ones)) & tops
	return bits.TrailingZeros64(marks) / 8
}

// special passes over what in a string is not plain ASCII.
func (s *scan) special(c byte) bool {
	switch {
	case c >= utf8.RuneSelf:
		r, size := utf8.DecodeRune(s.data[s.i:])
		if r == utf8.RuneError && size == 1 && !s.notUTF8 {
			s.notUTF8, s.badByte = true, s.i
		}
		s.i += size
		return true
	case c != '\\':
		return s.unexpected("a printable character or an escape")
	}
	s.escaped = true
	s.i++
	c = s.peek()
	if c == 'u' {
		return s.hex()
	}
	if unescapes[c] == 0 {
		return s.unexpected("an escape's letter")
	}
	s.i++
	return true
}

// hex passes over a u and its four hexadecimal digits.
func (s *scan) hex() bool {
	for range 4 {
		s.i++
		c := s.peek()
		if c-'0' > 9 && (c|0x20)-'a' > 5 {
			return s.unexpected("a hexadecimal digit")
		}
	}
	s.i++
	return true
}

// number passes over a number.
func (s *scan) number() bool {
	if s.data[s.i] == '-' {
		s.i++
	}
	if s.peek() == '0' {
		s.i++
	} else if !s.digits() {
		return false
	}
	if s.peek() == '.' {
		s.i++
		if !s.digits() {
			return false
		}
	}
	if s.peek()|0x20 == 'e' {
		s.i++
		if c := s.peek(); c == '+' || c == '-' {
			s.i++
		}
		return s.digits()
	}
	return true
}

func (s *scan) digits() bool {
	start := s.i
	for s.i < len(s.data) && s.data[s.i]-'0' <= 9 {
		s.i++
	}
	if s.i == start {
		return s.unexpected("a digit")
	}
	return true
}

func (s *scan) word(w string) bool {
	if len(s.data)-s.i < len(w) || string(s.data[s.i:s.i+len(w)]) != w {
		return s.unexpected("a value")
	}
	s.i += len(w)
	return true
}
