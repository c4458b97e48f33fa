package scenarios

import (
	"reflect"
	"strconv"
	"strings"
)

// A field is one key of a struct as its tags describe it; the decoder and the
// JSON Schema are both made from these.
type field struct {
	owner    string // name of the struct type
	name     string // the key
	index    []int  // for reflect's FieldByIndex
	typ      reflect.Type
	required bool
	nonempty bool
	min, max *int64
	enum     []string // the texts it may hold
	keys     []string // the keys its mapping may have
	names    string   // kinds or worlds: whose table knows the value
}

// fieldsOf lists the keys of a struct type in its order, those of inline
// structs included.
func fieldsOf(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, options, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			for _, f := range fieldsOf(sf.Type) {
				f.index = append([]int{i}, f.index...)
				all = append(all, f)
			}
		case tag != "" && tag != "-":
			all = append(all, field{
				owner:    t.Name(),
				name:     tag,
				index:    []int{i},
				typ:      sf.Type,
				required: sf.Tag.Get("required") == "true",
				nonempty: sf.Tag.Get("nonempty") == "true",
				min:      number(sf.Tag.Get("min")),
				max:      number(sf.Tag.Get("max")),
				enum:     strings.Fields(sf.Tag.Get("enum")),
				keys:     strings.Fields(sf.Tag.Get("keys")),
				names:    sf.Tag.Get("names"),
			})
		}
	}
	return all
}

// number reads a tag's number; nil where there is none.
func number(tag string) *int64 {
	n, err := strconv.ParseInt(tag, 10, 64)
	if err != nil {
		return nil
	}
	return &n
}
