package record

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Lookup finds the value at a path of keys and, in arrays, of positions from 0,
// in compact JSON as records have it. Of a key that stands twice it is the last
// one. It reads no more than it passes over, and allocates nothing but for keys
// with escapes.
func Lookup(value []byte, path []string) ([]byte, bool) {
	for _, key := range path {
		var found []byte
		switch {
		case len(value) == 0:
		case value[0] == '{':
			found = memberOf(value, key)
		case value[0] == '[':
			found = itemOf(value, key)
		}
		if found == nil {
			return nil, false
		}
		value = found
	}
	return value, len(value) > 0
}

// memberOf is the value of a key of an object; nil where there is none.
func memberOf(object []byte, key string) (found []byte) {
	for i := 1; i < len(object) && object[i] == '"'; i++ { // over the comma
		end := i + valueLen(object[i:])
		if end >= len(object) {
			return nil
		}
		name := object[i:end]
		i = end + 1 // over the colon
		n := valueLen(object[i:])
		if named(name, key) {
			found = object[i : i+n]
		}
		i += n
	}
	return found
}

func named(quoted []byte, key string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == key
	}
	var name string
	return json.Unmarshal(quoted, &name) == nil && name == key
}

func itemOf(array []byte, position string) []byte {
	n, err := strconv.Atoi(position)
	if err != nil || n < 0 || len(array) < 3 {
		return nil
	}
	for i := 1; i < len(array)-1; i++ { // over the comma
		end := i + valueLen(array[i:])
		if n == 0 {
			return array[i:end]
		}
		n, i = n-1, end
	}
	return nil
}

// valueLen is how long the value is that a text begins with.
func valueLen(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			if i += stringLen(text[i:]) - 1; depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
			if depth < 0 {
				return i
			}
		case ',', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

// stringLen is how long the string is that a text begins with, quotes and all.
func stringLen(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
