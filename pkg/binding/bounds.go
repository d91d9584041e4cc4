package binding

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"math/big"
	"unicode/utf8"
)

func (c *checker) bounded(t *typ, v any) []fault {
	if found := c.check(t.Of, v); len(found) > 0 {
		return found
	}
	b := t.Bounds
	if b == nil {
		return nil
	}
	fits := true
	switch t.Of.T {
	case "int", "float":
		n, ok := toNumber(t.Of.T, v)
		fits = ok && b.number(n)
	case "str":
		s, _ := v.(string)
		fits = b.length(utf8.RuneCountInString(s))
	case "bytes":
		fits = b.length(octets(v))
	case "array":
		if items, ok := v.([]any); ok && !t.Of.Unique {
			fits = b.length(len(items))
		}
	case "dict":
		if o, ok := v.(*object); ok && t.Of.Keys.T == "str" {
			fits = b.length(len(o.keys))
		}
	}
	if !fits {
		return refuse("bounds", c.typeName(t), v, "")
	}
	return nil
}

func octets(v any) int {
	if s, ok := v.(string); ok {
		return len(s)
	}
	o, _ := v.(*object)
	s, _ := o.values["$b64"].(string)
	data, _ := base64.StdEncoding.DecodeString(s)
	return len(data)
}

func (b *boundsT) length(n int) bool {
	return (b.Min == nil || n >= *b.Min) && (b.Max == nil || n <= *b.Max)
}

func (b *boundsT) number(n numeral) bool {
	if n.int == nil && math.IsNaN(n.float) {
		return false
	}
	for _, test := range []struct {
		bound json.Number
		fits  func(sign int) bool
	}{
		{b.GT, func(sign int) bool { return sign > 0 }},
		{b.GE, func(sign int) bool { return sign >= 0 }},
		{b.LT, func(sign int) bool { return sign < 0 }},
		{b.LE, func(sign int) bool { return sign <= 0 }},
	} {
		if test.bound != "" && !test.fits(n.compare(test.bound)) {
			return false
		}
	}
	return b.MultipleOf == "" || n.multipleOf(b.MultipleOf)
}

// compare is the sign of n less the bound.
func (n numeral) compare(bound json.Number) int {
	if n.int == nil && math.IsInf(n.float, 0) {
		return int(math.Copysign(1, n.float))
	}
	left := new(big.Rat)
	if n.int != nil {
		left.SetInt(n.int)
	} else {
		left.SetFloat64(n.float)
	}
	right, ok := new(big.Rat).SetString(string(bound))
	if !ok {
		return 0
	}
	if !isInteger(string(bound)) { // Python compares with the float
		f, _ := right.Float64()
		right.SetFloat64(f)
	}
	return left.Cmp(right)
}

func (n numeral) multipleOf(bound json.Number) bool {
	if of, ok := new(big.Int).SetString(string(bound), 10); ok && n.int != nil {
		return of.Sign() != 0 && new(big.Int).Rem(n.int, of).Sign() == 0
	}
	of, err := bound.Float64()
	f := n.float
	if n.int != nil {
		f, _ = new(big.Float).SetInt(n.int).Float64()
	}
	return err == nil && math.Mod(f, of) == 0
}
