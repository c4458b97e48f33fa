package world

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A ConfigError is one thing wrong with a world's config.
type ConfigError struct {
	Key     string // where, below config: initial.cells[2].x; empty for the whole
	Message string
	unknown bool // the key is none of those there are
}

func (e ConfigError) Error() string {
	if e.Key == "" {
		return "config: " + e.Message
	}
	return "config." + e.Key + ": " + e.Message
}

// ConfigErrors is all that is wrong with a world's config.
type ConfigErrors []ConfigError

func (errs ConfigErrors) Error() string {
	lines := make([]string, len(errs))
	for i, e := range errs {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "; ")
}

// add notes one thing wrong.
func (errs *ConfigErrors) add(key, format string, args ...any) {
	*errs = append(*errs, ConfigError{Key: key, Message: fmt.Sprintf(format, args...)})
}

// err gives the errors, or nil for none.
func (errs ConfigErrors) err() error {
	if len(errs) == 0 {
		return nil
	}
	return errs
}

// decodeConfig fills conf, a pointer to a struct that holds the defaults, from
// a JSON object. Unlike encoding/json it takes neither unknown keys, nor keys
// of another case, nor null, and it reports all it finds. Fields tagged
// required:"true" must be there. Keys that are merely unknown come back beside
// a conf that is filled, so that what is wrong with its values is found too.
func decodeConfig(config []byte, conf any) (unknown ConfigErrors, err error) {
	if len(bytes.TrimSpace(config)) == 0 {
		config = []byte("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(config))
	dec.UseNumber()
	var raw any
	if err := dec.Decode(&raw); err != nil {
		return nil, ConfigErrors{{Message: "not valid JSON: " + err.Error()}}
	}
	var errs ConfigErrors
	checkValue("", raw, reflect.TypeOf(conf).Elem(), &errs)
	if slices.ContainsFunc(errs, func(e ConfigError) bool { return !e.unknown }) {
		return nil, errs
	}
	if err := json.Unmarshal(config, conf); err != nil {
		return nil, ConfigErrors{{Message: err.Error()}}
	}
	return errs, nil
}

// checkValue holds a decoded value against the type it is meant for.
func checkValue(key string, value any, t reflect.Type, errs *ConfigErrors) {
	if t == reflect.TypeFor[json.RawMessage]() {
		return // anything will do, null too
	}
	switch v := value.(type) {
	case map[string]any:
		if t.Kind() == reflect.Struct {
			checkStruct(key, v, t, errs)
			return
		}
		if t.Kind() == reflect.Map {
			for _, name := range sortedKeys(v) {
				checkValue(join(key, name), v[name], t.Elem(), errs)
			}
			return
		}
	case []any:
		if t.Kind() == reflect.Slice {
			for i, element := range v {
				checkValue(fmt.Sprintf("%s[%d]", key, i), element, t.Elem(), errs)
			}
			return
		}
	case string:
		if t.Kind() == reflect.String {
			return
		}
	case bool:
		if t.Kind() == reflect.Bool {
			return
		}
	case json.Number:
		if isNumberFor(v, t) {
			return
		}
	}
	errs.add(key, "%s where %s is wanted", describe(value), wanted(t))
}

func checkStruct(key string, object map[string]any, t reflect.Type, errs *ConfigErrors) {
	fields := make(map[string]reflect.StructField)
	for i := range t.NumField() {
		f := t.Field(i)
		fields[f.Tag.Get("json")] = f
	}
	for _, name := range sortedKeys(object) {
		f, ok := fields[name]
		if !ok {
			errs.add(join(key, name), "unknown key; known keys: %s", strings.Join(sortedKeys(fields), ", "))
			(*errs)[len(*errs)-1].unknown = true
			continue
		}
		checkValue(join(key, name), object[name], f.Type, errs)
	}
	for _, name := range sortedKeys(fields) {
		if _, ok := object[name]; !ok && fields[name].Tag.Get("required") == "true" {
			errs.add(join(key, name), "missing; %s is wanted", wanted(fields[name].Type))
		}
	}
}

// isNumberFor says whether a number's text can be kept in a field of type t
// exactly (an int) or finitely (a float).
func isNumberFor(n json.Number, t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Int:
		_, err := strconv.Atoi(n.String())
		return err == nil
	case reflect.Float64:
		f, err := n.Float64()
		return err == nil && !math.IsInf(f, 0)
	}
	return false
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	}
	return "a mapping"
}

func describe(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return strconv.Quote(shorten(v))
	case json.Number:
		return shorten(v.String())
	case bool:
		return strconv.FormatBool(v)
	case []any:
		return "a list"
	}
	return "a mapping"
}

// shorten cuts a text that an error quotes.
func shorten(s string) string {
	const longest = 80
	if len(s) <= longest {
		return strings.ToValidUTF8(s, "�")
	}
	return strings.ToValidUTF8(s[:longest], "�") + "…"
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
