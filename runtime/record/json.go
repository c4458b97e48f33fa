package record

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// A line appends one JSON object in a fixed order of fields. Names are plain
// words of this package; values are escaped, raw ones are JSON already.
type line struct {
	dst []byte
}

func (l *line) key(name string) {
	if n := len(l.dst); l.dst[n-1] != '{' {
		l.dst = append(l.dst, ',')
	}
	l.dst = append(l.dst, '"')
	l.dst = append(l.dst, name...)
	l.dst = append(l.dst, '"', ':')
}

func (l *line) begin() { l.dst = append(l.dst, '{') }
func (l *line) end()   { l.dst = append(l.dst, '}') }

func (l *line) text(name, value string) {
	l.key(name)
	l.dst = appendString(l.dst, value)
}

// some is text that is left out when it is empty.
func (l *line) some(name, value string) {
	if value != "" {
		l.text(name, value)
	}
}

func (l *line) int(name string, value int) {
	l.key(name)
	l.dst = strconv.AppendInt(l.dst, int64(value), 10)
}

// yes is left out when it is false.
func (l *line) yes(name string, value bool) {
	if value {
		l.key(name)
		l.dst = append(l.dst, "true"...)
	}
}

// raw is JSON as it is; nothing is null.
func (l *line) raw(name string, value []byte) {
	l.key(name)
	if len(value) == 0 {
		value = []byte("null")
	}
	l.dst = append(l.dst, value...)
}

func (l *line) milliseconds(name string, d time.Duration) {
	l.key(name)
	l.dst = strconv.AppendFloat(l.dst, float64(d)/1e6, 'f', -1, 64)
}

func (l *line) hash(h *[HashSize]byte) {
	const digits = "0123456789abcdef"
	l.key("hash")
	l.dst = append(l.dst, '"')
	for _, b := range h {
		l.dst = append(l.dst, digits[b>>4], digits[b&15])
	}
	l.dst = append(l.dst, '"')
}

func (l *line) texts(name string, values []string) {
	l.key(name)
	l.list(values)
}

func (l *line) list(values []string) {
	l.dst = append(l.dst, '[')
	for i, v := range values {
		if i > 0 {
			l.dst = append(l.dst, ',')
		}
		l.dst = appendString(l.dst, v)
	}
	l.dst = append(l.dst, ']')
}

// groups is lists of texts, without a key.
func (l *line) groups(groups [][]string) {
	l.dst = append(l.dst, '[')
	for i, g := range groups {
		if i > 0 {
			l.dst = append(l.dst, ',')
		}
		l.list(g)
	}
	l.dst = append(l.dst, ']')
}

// appendString appends a JSON string. What is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[start:i]...), `\ufffd`...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
