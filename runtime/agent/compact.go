package agent

import "fmt"

// Compact appends one JSON value without the whitespace between its tokens.
// It is as strict as Decode: an error says what is wrong and at which byte,
// and dst is then returned as it was.
func Compact(dst, value []byte) ([]byte, error) {
	s := scan{data: value}
	if s.readValue() {
		s.finish()
	}
	if s.err != nil {
		return dst, fmt.Errorf("cannot read JSON: %w", s.err)
	}
	if s.notUTF8 {
		return dst, fmt.Errorf("cannot read JSON: invalid UTF-8 at byte %d", s.badByte)
	}
	if !s.val.spaced {
		return append(dst, s.val.text...), nil
	}
	return appendCompact(dst, s.val.text), nil
}

// appendCompact appends a value that was scanned before, without whitespace.
func appendCompact(dst, value []byte) []byte {
	from := 0
	for i := 0; i < len(value); {
		switch value[i] {
		case '"':
			i += stringLength(value[i:])
		case ' ', '\t', '\n', '\r':
			dst = append(dst, value[from:i]...)
			i++
			from = i
		default:
			i++
		}
	}
	return append(dst, value[from:]...)
}

// stringLength is the length of the string that value begins with, quotes
// included.
func stringLength(value []byte) int {
	for i := 1; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(value)
}
