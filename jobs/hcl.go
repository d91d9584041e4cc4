package jobs

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	nomad "github.com/hashicorp/nomad/api"
)

// HCL writes a job as a person would: what identifies it first, blocks after
// attributes, durations as "10s". Nomad parses it back to the same job.
//
// Nomad has no encoder of its own; this one reads the `hcl` tags that its
// decoder reads, so a field that Nomad adds is written without a change here.
func HCL(job *nomad.Job) ([]byte, error) {
	file := hclwrite.NewEmptyFile()
	block := file.Body().AppendNewBlock("job", []string{*job.ID})
	withoutID := *job
	withoutID.ID, withoutID.Name = nil, nil // the label says both
	if err := writeStruct(block.Body(), reflect.ValueOf(withoutID)); err != nil {
		return nil, fmt.Errorf("write job %q as HCL: %w", *job.ID, err)
	}
	return append([]byte(heading), hclwrite.Format(file.Bytes())...), nil
}

// order is the sequence in which people read a job, block by block; a name that
// two blocks have stands where it suits both. Names not listed follow, in
// alphabetical order.
var order = []string{
	"namespace", "region", "datacenters", "type", "ui", "group", "count", "driver", "user", "constraint", "spread",
	"max_parallel", "canary", "health_check", "min_healthy_time", "healthy_deadline", "progress_deadline", "auto_promote", "auto_revert",
	"update", "migrate", "attempts", "restart", "reschedule", "disconnect", "shutdown_delay", "kill_timeout", "network",
	"volume", "source", "destination", "read_only",
	"name", "provider", "port", "tags", "path", "interval", "timeout", "delay", "mode", "service", "task", "command", "args", "config",
	"aud", "file", "ttl", "change_mode", "identity", "cpu", "memory", "memory_max", "resources", "volume_mount",
	"max_files", "max_file_size", "logs",
}

// heading tells who reads a job where it came from: the Nomad UI offers to edit
// it.
const heading = "# Made by fngen. Change the code and push it: the next push writes this job anew.\n"

type field struct {
	name  string
	kind  string // "attr", "block"
	value reflect.Value
}

func writeStruct(body *hclwrite.Body, v reflect.Value) error {
	fields := fieldsOf(v)
	for _, kind := range []string{"attr", "block"} {
		for _, f := range fields {
			if f.kind != kind {
				continue
			}
			if err := writeField(body, f); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
	}
	return nil
}

func fieldsOf(v reflect.Value) []field {
	var out []field
	for i := range v.NumField() {
		name, kind := parseTag(v.Type().Field(i).Tag.Get("hcl"))
		if name == "" || v.Field(i).IsZero() || isEmpty(v.Field(i)) {
			continue
		}
		out = append(out, field{name, kind, v.Field(i)})
	}
	slices.SortStableFunc(out, func(a, b field) int {
		return cmp.Or(cmp.Compare(rank(a.name), rank(b.name)), strings.Compare(a.name, b.name))
	})
	return out
}

// parseTag reads a tag such as "count,optional" or "task,block"; a label is
// written by the block that has it, so it is no field.
func parseTag(tag string) (name, kind string) {
	name, option, _ := strings.Cut(tag, ",")
	switch option {
	case "optional", "":
		return name, "attr"
	case "block":
		return name, "block"
	}
	return "", ""
}

func rank(name string) int {
	if i := slices.Index(order, name); i >= 0 {
		return i
	}
	return len(order)
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice:
		return v.Len() == 0
	}
	return false
}

func writeField(body *hclwrite.Body, f field) error {
	v := reflect.Indirect(f.value)
	if f.kind == "attr" {
		value, err := toCty(v)
		if err != nil {
			return err
		}
		body.SetAttributeRaw(f.name, tokens(value))
		return nil
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			if err := writeBlock(body, f.name, reflect.Indirect(v.Index(i))); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		return writeMap(body, f.name, v)
	default:
		return writeBlock(body, f.name, v)
	}
}

// writeMap writes a map of structs as one labelled block each, and a map of
// values as one block of attributes.
func writeMap(body *hclwrite.Body, name string, v reflect.Value) error {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	if reflect.Indirect(v.MapIndex(keys[0])).Kind() == reflect.Struct {
		for _, k := range keys {
			if err := writeBlock(body, name, reflect.Indirect(v.MapIndex(k))); err != nil {
				return err
			}
		}
		return nil
	}
	inner := appendBlock(body, name, nil)
	slices.SortStableFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(rank(a.String()), rank(b.String())) })
	for _, k := range keys {
		value, err := toCty(v.MapIndex(k))
		if err != nil {
			return err
		}
		inner.SetAttributeRaw(k.String(), tokens(value))
	}
	return nil
}

func writeBlock(body *hclwrite.Body, name string, v reflect.Value) error {
	var labels []string
	for i := range v.NumField() {
		if strings.HasSuffix(v.Type().Field(i).Tag.Get("hcl"), ",label") {
			labels = append(labels, reflect.Indirect(v.Field(i)).String())
		}
	}
	return writeStruct(appendBlock(body, name, labels), v)
}

func appendBlock(body *hclwrite.Body, name string, labels []string) *hclwrite.Body {
	if len(body.Attributes())+len(body.Blocks()) > 0 {
		body.AppendNewline()
	}
	return body.AppendNewBlock(name, labels).Body()
}
