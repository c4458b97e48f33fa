package scenarios

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A kind of scalar, in the words of messages.
type kind string

const (
	nothing   kind = "nothing"
	aBoolean  kind = "a boolean"
	anInteger kind = "an integer"
	aNumber   kind = "a number"
	text      kind = "text"
	unclear   kind = "a number that other readers of YAML read otherwise"
	endless   kind = "a number out of range"
	noScalar  kind = ""
)

// Numbers as YAML 1.2 writes them. The parser takes more, which other readers
// take for text or for another number: 010, 1_000, 0b1.
var (
	integerForm = regexp.MustCompile(`^([-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+)$`)
	floatForm   = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+)$`)
	blocks      = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle
)

// longestNumber bounds a number in digits, since converting takes more than
// linear time.
const longestNumber = 400

// scalarKind classifies a node; noScalar for mappings and lists.
func scalarKind(n *yaml.Node) kind {
	switch {
	case n.Kind != yaml.ScalarNode:
		return noScalar
	case n.Tag == "!!null":
		return nothing
	case n.Tag == "!!bool":
		return aBoolean
	case n.Style&blocks != 0:
		return text
	case integerForm.MatchString(n.Value):
		if len(n.Value) > longestNumber {
			return endless
		}
		return anInteger
	case floatForm.MatchString(n.Value):
		if f, err := strconv.ParseFloat(n.Value, 64); err != nil || math.IsInf(f, 0) {
			return endless
		}
		return aNumber
	case n.Tag == "!!float" && strings.Contains(n.Value, "."): // .inf and .nan
		return endless
	case n.Tag == "!!float" || n.Tag == "!!int":
		return unclear
	}
	return text
}

// describe names what a node holds.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return string(scalarKind(n))
}

// integer reads a node that scalarKind calls anInteger.
func integer(n *yaml.Node) *big.Int {
	i, _ := new(big.Int).SetString(strings.TrimPrefix(n.Value, "+"), 0)
	return i
}

// scalar fills a text, an integer, a number or a boolean.
func (d *decoder) scalar(p place, v reflect.Value) bool {
	n := follow(p.node)
	switch got := scalarKind(n); v.Kind() {
	case reflect.String:
		if got != text {
			d.mismatch(p, "text")
			return false
		}
		if strings.ContainsRune(n.Value, 0) {
			d.reportValue(p, "the text holds a NUL character", "")
			return false
		}
		v.SetString(n.Value)
	case reflect.Bool:
		if got != aBoolean {
			d.mismatch(p, "true or false")
			return false
		}
		v.SetBool(strings.EqualFold(n.Value, "true"))
	case reflect.Float64:
		if got != aNumber && got != anInteger {
			d.mismatch(p, "a number")
			return false
		}
		if v.SetFloat(float(n)); math.IsInf(v.Float(), 0) {
			d.reportValue(p, "the number is out of range", "")
			return false
		}
	default:
		return d.whole(p, v)
	}
	return true
}

// whole fills an integer of any size and sign.
func (d *decoder) whole(p place, v reflect.Value) bool {
	n := follow(p.node)
	if scalarKind(n) != anInteger {
		d.mismatch(p, "an integer")
		return false
	}
	i := integer(n)
	switch {
	case v.CanInt() && i.IsInt64() && !v.OverflowInt(i.Int64()):
		v.SetInt(i.Int64())
		return true
	case v.CanUint() && i.IsUint64() && !v.OverflowUint(i.Uint64()):
		v.SetUint(i.Uint64())
		return true
	case v.CanUint() && i.Sign() < 0:
		d.reportValue(p, fmt.Sprintf("want at least 0, got %s", clip(n.Value)), "")
	case v.CanUint():
		d.reportValue(p, fmt.Sprintf("want at most %d, got %s", uint64(math.MaxUint64), clip(n.Value)), "")
	default:
		d.reportValue(p, fmt.Sprintf("%s is out of range", clip(n.Value)), "")
	}
	return false
}

func float(n *yaml.Node) float64 {
	if scalarKind(n) == anInteger {
		f, _ := new(big.Float).SetInt(integer(n)).Float64()
		return f
	}
	f, _ := strconv.ParseFloat(n.Value, 64)
	return f
}

// any decodes a value whose type the file decides. Mappings are merged into
// old where that is one too. Integers are int, or uint64 or json.Number where
// they are too large for it.
func (d *decoder) any(p place, old any) (any, bool) {
	n := follow(p.node)
	if p.node = n; !d.tag(p) {
		return nil, false
	}
	switch n.Kind {
	case yaml.SequenceNode:
		list, ok := make([]any, len(n.Content)), true
		for i, in := range p.items() {
			x, good := d.any(in, nil)
			list[i], ok = x, ok && good
		}
		return list, ok
	case yaml.MappingNode:
		was, _ := old.(map[string]any)
		m, ok := maps.Clone(was), true
		if m == nil {
			m = map[string]any{}
		}
		for name, inner := range d.pairs(p, &ok) {
			x, good := d.any(inner, m[name])
			m[name], ok = x, ok && good
		}
		return m, ok
	}
	switch scalarKind(n) {
	case nothing:
		return nil, true
	case aBoolean:
		return strings.EqualFold(n.Value, "true"), true
	case anInteger:
		i := integer(n)
		switch {
		case i.IsInt64():
			return int(i.Int64()), true
		case i.IsUint64():
			return i.Uint64(), true
		}
		return json.Number(i.String()), true
	case aNumber:
		return float(n), true
	case text:
		return n.Value, true
	}
	d.mismatch(p, "a number as JSON writes it, or text in quotes")
	return nil, false
}
