package binding

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

const order = `{"version": 1, "function": "process_order", "params": [
	{"name": "order_id", "kind": "positional_or_keyword", "type": {"t": "int"}, "required": true},
	{"name": "items", "kind": "positional_or_keyword", "type": {"t": "array", "name": "list of Item", "of": {"t": "ref", "to": "Item"}}, "required": true},
	{"name": "password", "kind": "positional_or_keyword", "type": {"t": "int"}, "required": false}
], "types": {"Item": {"form": "record", "name": "Item", "fields": [
	{"name": "name", "type": {"t": "str"}, "required": true}, {"name": "qty", "type": {"t": "int"}, "required": false}]}}}`

func TestEveryFaultIsNamed(t *testing.T) {
	found := Check([]byte(order), []byte(`{"order_id": "x", "items": [{"name": "tea"}, {"name": 1, "qti": 2}], "password": "hunter2"}`))
	var got []string
	for _, f := range found {
		got = append(got, f.String())
	}
	want := []string{
		`order_id: expected int, got "x"`,
		`items[1].name: expected str, got 1`,
		`items[1].qti: is not expected; did you mean 'qty'?`,
		`password: expected int, got [hidden]`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if found[3].Input != "[hidden]" {
		t.Errorf("the secret is shown: %+v", found[3])
	}
}

func TestPayloadsThatAreNotJSON(t *testing.T) {
	for name, payload := range map[string]string{
		"broken":         `{"order_id": `,
		"NaN":            `[NaN]`,
		"not UTF-8":      "\"\xff\"",
		"twice":          `{"order_id": 1, "order_id": 2}`,
		"deep":           strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
		"many digits":    strings.Repeat("1", 5000),
		"half a pair":    `["\ud800"]`,
		"two things":     `1 2`,
		"byte order":     "\ufeff1",
		"raw NUL":        "\"\x00\"",
		"number too big": `1e999`,
	} {
		found := Check([]byte(order), []byte(payload))
		if len(found) != 1 || found[0].Type != "json" {
			t.Errorf("%s: got %v", name, found)
		}
	}
}

func TestFaultsAreBounded(t *testing.T) {
	found := Check([]byte(order), []byte(`{"order_id": 1, "items": [`+strings.Repeat("1,", 5000)+`1]}`))
	if len(found) != MaxFaults {
		t.Errorf("got %d faults", len(found))
	}
}

func TestSchemaThatCannotBeReadRefusesNothing(t *testing.T) {
	for _, schema := range []string{``, `{}`, `{"version": 2}`, `{"version": 1, "types": {"X": null}}`} {
		if found := Check([]byte(schema), []byte(`{"any": "thing"}`)); len(found) != 0 {
			t.Errorf("%s: got %v", schema, found)
		}
	}
}

// FuzzCheck: neither a payload nor a schema of a stranger ends the control plane.
func FuzzCheck(f *testing.F) {
	for _, text := range texts {
		f.Add(order, text)
	}
	f.Add(`{"version":1,"params":[{"name":"a","kind":"x","type":{"t":"ref","to":"A"},"required":true}],"types":{"A":{"form":"alias","type":{"t":"ref","to":"A"}}}}`, `{"b":1}`)
	f.Add(`{"version":1,"params":[{"name":"a","kind":"x","type":{"t":"union","of":[{"t":"bounded","of":{"t":"bytes"},"bounds":{"min":1}}]},"required":true}]}`, `{"a":{"$b64":"AAE="}}`)
	f.Fuzz(func(t *testing.T, schema, payload string) {
		for _, found := range Check([]byte(schema), []byte(payload)) {
			_ = found.String()
		}
	})
}

// FuzzDecode holds the reader of values to that of encoding/json.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{`null`, ` [1, -2.5e3 ,true,false,[] ,{}]`, `{"a": {"b": "\u00e9\n\"\\"}, "c":[{"a":""}]}`, `{"a":1,"a":2}`, `"\ud83d\ude00"`, `01`, `[1,]`, ``} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decode(data)
		if len(CheckForm(data)) > 0 && err == nil {
			t.Fatalf("%q is decoded, and not of the form", data)
		}
		if err != nil || isNothing(data) {
			return
		}
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatalf("%q is no JSON: %v", data, err)
		}
		if !reflect.DeepEqual(plain(got), want) {
			t.Errorf("%q was read as %#v, want %#v", data, plain(got), want)
		}
	})
}

// plain has objects as encoding/json has them.
func plain(v any) any {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, item := range v {
			out = append(out, plain(item))
		}
		return out
	case *object:
		out := map[string]any{}
		for _, key := range v.keys {
			out[key] = plain(v.values[key])
		}
		return out
	}
	return v
}
