package jobs

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// lineLength is where a list is broken into one item a line.
const lineLength = 100

// reference is a node attribute, which Nomad's parser leaves as it stands; any
// other "${" is escaped.
var reference = regexp.MustCompile(`^\$\{[a-z_.]+\}$`)

// tokens writes a value as people do.
func tokens(v cty.Value) hclwrite.Tokens {
	if v.Type() == cty.String && reference.MatchString(v.AsString()) {
		return hclwrite.Tokens{raw(hclsyntax.TokenQuotedLit, `"`+v.AsString()+`"`)}
	}
	short := hclwrite.TokensForValue(v)
	if !v.Type().IsTupleType() || len(short.Bytes()) <= lineLength {
		return short
	}
	out := hclwrite.Tokens{raw(hclsyntax.TokenOBrack, "["), raw(hclsyntax.TokenNewline, "\n")}
	for _, item := range v.AsValueSlice() {
		out = append(out, tokens(item)...)
		out = append(out, raw(hclsyntax.TokenComma, ","), raw(hclsyntax.TokenNewline, "\n"))
	}
	return append(out, raw(hclsyntax.TokenCBrack, "]"))
}

func raw(kind hclsyntax.TokenType, text string) *hclwrite.Token {
	return &hclwrite.Token{Type: kind, Bytes: []byte(text)}
}

// duration writes "2m" for what Go writes as "2m0s".
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func toCty(v reflect.Value) (cty.Value, error) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if d, ok := v.Interface().(time.Duration); ok {
		return cty.StringVal(duration(d)), nil
	}
	switch v.Kind() {
	case reflect.String:
		return cty.StringVal(v.String()), nil
	case reflect.Bool:
		return cty.BoolVal(v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int64:
		return cty.NumberIntVal(v.Int()), nil
	case reflect.Uint64:
		return cty.NumberUIntVal(v.Uint()), nil
	case reflect.Slice:
		items := make([]cty.Value, v.Len())
		for i := range items {
			item, err := toCty(v.Index(i))
			if err != nil {
				return cty.NilVal, err
			}
			items[i] = item
		}
		return cty.TupleVal(items), nil
	case reflect.Map:
		items := map[string]cty.Value{}
		for _, k := range v.MapKeys() {
			item, err := toCty(v.MapIndex(k))
			if err != nil {
				return cty.NilVal, err
			}
			items[k.String()] = item
		}
		return cty.ObjectVal(items), nil
	}
	return cty.NilVal, fmt.Errorf("a value of type %s has no HCL form", v.Type())
}
