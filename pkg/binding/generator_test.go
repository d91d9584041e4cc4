package binding

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes payloads of one line that nearly fit a schema.
type generator struct {
	*rand.Rand
	s *Schema
}

func (g *generator) payload() string {
	if g.IntN(8) == 0 {
		return g.junk(3)
	}
	c := g.s.call
	if g.IntN(4) == 0 && len(c.named) == 1 {
		return g.of(c.named[0].Type, 4)
	}
	if g.IntN(4) == 0 {
		var items []string
		for _, p := range c.byPlace {
			items = append(items, g.of(p.Type, 4))
		}
		for range g.IntN(3) {
			items = append(items, g.junk(1))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return g.params(&c, 4)
}

func (g *generator) params(c *call, depth int) string {
	var fields []string
	for _, p := range c.named {
		if p.Required && g.IntN(12) > 0 || g.IntN(2) == 0 {
			fields = append(fields, pair(p.Name, g.of(p.Type, depth)))
		}
	}
	if c.rest != nil && g.IntN(2) == 0 {
		fields = append(fields, pair(c.rest.Name, "["+g.of(c.rest.Type, depth)+"]"))
	}
	if c.extra != nil && g.IntN(2) == 0 {
		fields = append(fields, pair("other", g.of(c.extra.Type, depth)))
	}
	if g.IntN(15) == 0 {
		fields = append(fields, pair("unknown", g.junk(1)))
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

func pair(name, value string) string { return fmt.Sprintf("%q: %s", name, value) }

// of makes a value that likely fits a type.
func (g *generator) of(t *typ, depth int) string {
	if depth < 0 || g.IntN(25) == 0 {
		return g.junk(1)
	}
	switch t.T {
	case "array":
		return g.list(g.IntN(4), func(int) string { return g.of(t.Of, depth-1) })
	case "tuple":
		return g.list(len(t.Items), func(i int) string { return g.of(t.Items[i], depth-1) })
	case "dict":
		return fmt.Sprintf("{%s: %s}", g.key(t.Keys), g.of(t.Dict, depth-1))
	case "union":
		return g.of(t.Members[g.IntN(len(t.Members))], depth-1)
	case "bounded":
		return g.of(t.Of, depth)
	case "enum", "literal":
		text, _ := json.Marshal(t.Values[g.IntN(len(t.Values))])
		return string(text)
	case "ref":
		return g.named(g.s.types[t.To], depth-1)
	}
	if of := typical[t.T]; len(of) > 0 && g.IntN(6) > 0 {
		return of[g.IntN(len(of))]
	}
	return texts[g.IntN(len(texts))]
}

func (g *generator) named(n *named, depth int) string {
	switch n.Form {
	case "alias":
		return g.of(n.Type, depth)
	case "call":
		return g.params(&n.call, depth)
	}
	if n.ByPlace && g.IntN(2) == 0 {
		return g.list(len(n.Fields), func(i int) string { return g.of(n.Fields[i].Type, depth) })
	}
	var params []param
	for _, f := range n.Fields {
		params = append(params, param{Name: f.Name, Kind: "keyword_only", Type: f.Type, Required: f.Required})
	}
	c := newCall(n.Name, params)
	return g.params(&c, depth)
}

func (g *generator) key(t *typ) string {
	text := g.of(t, 0)
	if !strings.HasPrefix(text, `"`) {
		text = fmt.Sprintf("%q", text)
	}
	return text
}

func (g *generator) list(n int, item func(int) string) string {
	var items []string
	for i := range n {
		items = append(items, item(i))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func (g *generator) junk(depth int) string {
	switch k := g.IntN(6); {
	case k == 0 && depth > 0:
		return g.list(g.IntN(3), func(int) string { return g.junk(depth - 1) })
	case k == 1 && depth > 0:
		return "{" + pair([]string{"a", "b", "name", "n", "data"}[g.IntN(5)], g.junk(depth-1)) + "}"
	}
	return texts[g.IntN(len(texts))]
}

// typical values fit a type, each in a way of its own.
var typical = map[string][]string{
	"int":      {`1`, `"2"`, `3.0`, `7`},
	"float":    {`1.5`, `"2.5"`, `3`, `0.5`},
	"bool":     {`true`, `false`, `"yes"`, `0`},
	"str":      {`"x"`, `"name"`, `""`, `"ab"`},
	"bytes":    {`"x"`, `{"$b64": "AAE="}`},
	"decimal":  {`"1.50"`, `2`, `0.1`},
	"datetime": {`"2026-01-02T03:04:05Z"`, `0`},
	"date":     {`"2026-01-02"`}, "time": {`"03:04"`}, "timedelta": {`"P1DT2H"`, `90`, `"01:02:03"`},
	"uuid": {`"6ba7b810-9dad-11d1-80b4-00c04fd430c8"`}, "path": {`"/tmp/x"`},
	"ipv4": {`"127.0.0.1"`, `1`}, "ipv6": {`"::1"`}, "none": {`null`},
}

// texts are values of JSON at the edges of what types take.
var texts = []string{
	`null`, `true`, `false`, `0`, `1`, `-1`, `2`, `3`, `-0`, `0.0`, `1.0`, `5.5`, `0.5`, `1e2`, `1e-400`, `1e400`, `-1.5`, `2e10`, `20000000001`, `1e18`,
	`9007199254740993`, `123456789012345678901234567890`, `253402300799`, `253402300800`, `-62135596801`, `86400`, `86399.9999999`, `172800000000000`,
	`""`, `" "`, `"x"`, `"abc"`, `"abcd"`, `"é"`, `"ab\u0000"`, `"\ud83d\ude00"`, `"\ud800"`, `"\\ud800"`, `"1"`, `" 1 "`, `"4_2"`, `"_1"`, `"1__2"`, `"1_"`, `"+7"`, `"-7"`, `"++1"`, `"1.0"`, `"1."`, `".5"`, `"5.5"`, `"1e3"`, `"1e99999"`, `"0x10"`, `"٣"`,
	`"inf"`, `"-Infinity"`, `"nan"`, `"NaN"`, `"infinit"`, `"true"`, `"TRUE"`, `"Yes"`, `"off"`, `"t"`, `"maybe"`, `"cat"`, `"dog"`, `"round"`, `"RED"`,
	`"2026-01-02"`, `"2026-02-29"`, `"2024-02-29"`, `"0000-01-01"`, `"2026-1-2"`, `"2026-01-02T00:00"`, `"2026-01-02 03:04:05"`, `"2026-01-02T03:04:05.123456789Z"`, `"2026-01-02T03:04:05,5+02:00"`, `"2026-01-02T03:04:60"`, `"2026-01-02T24:00"`, `"2026-01-02t03:04z"`, `"2026-01-02T03:04+0200"`, `"2026-01-02T03:04+24:00"`, `"2026-01-02T00:00:00.0000001"`, `"1494012444.883309"`, `"20000000001"`, `"9999-12-31T23:59:59.999999Z"`,
	`"03:04"`, `"03:04:05.5"`, `"3:04"`, `"23:59:59Z"`, `"24:00"`, `"03:60"`,
	`"P1D"`, `"P"`, `"PT"`, `"P1DT"`, `"PT1H30M"`, `"PT1.5S"`, `"-P1W"`, `"P999999999W"`, `"P1Y"`, `"1 day, 01:00:00"`, `"2d 10:00"`, `"99:00"`, `"-00:00:01"`,
	`"6ba7b8109dad11d180b400c04fd430c8"`, `"urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8"`, `"{6ba7b810-9dad-11d1-80b4-00c04fd430c8}"`, `"6ba7b810-9dad11d1-80b4-00c04fd430c8"`,
	`"127.0.0.1"`, `"127.0.0.01"`, `"256.0.0.1"`, `"1.2.3"`, `"::1"`, `"fe80::1%eth0"`, `"::ffff:1.2.3.4"`, `":::"`, `"1:2:3:4:5:6:7:8:9"`, `4294967295`, `4294967296`,
	`[]`, `{}`, `[1]`, `[[1]]`, `{"a": 1}`, `{"$b64": "AAE="}`, `{"$b64": "AAE"}`, `{"$b64": "A\nAE="}`, `{"kind": "cat", "lives": 9}`, `{"kind": "cow"}`,
}
