package nomad

import (
	"fmt"
	"slices"

	"github.com/hashicorp/nomad/api"
)

// flatten lists the changes of a job's definition, a line each: where, and from
// what to what.
func flatten(d *api.JobDiff) []string {
	if d == nil || d.Type == "None" {
		return nil
	}
	var f flattener
	f.fields("", d.Fields)
	f.objects("", d.Objects)
	for _, g := range d.TaskGroups {
		at := fmt.Sprintf("group %q", g.Name)
		if f.whole(at, g.Type) {
			continue
		}
		f.fields(at, g.Fields)
		f.objects(at, g.Objects)
		for _, t := range g.Tasks {
			at := fmt.Sprintf("%s task %q", at, t.Name)
			if f.whole(at, t.Type) {
				continue
			}
			f.fields(at, t.Fields)
			f.objects(at, t.Objects)
		}
	}
	slices.Sort(f.lines)
	return f.lines
}

type flattener struct{ lines []string }

// whole notes something that comes or goes with all that it holds.
func (f *flattener) whole(at, kind string) bool {
	if kind == "Added" || kind == "Deleted" {
		f.lines = append(f.lines, at+": "+kind)
		return true
	}
	return false
}

func (f *flattener) fields(at string, fields []*api.FieldDiff) {
	for _, d := range fields {
		if d.Type != "None" {
			f.lines = append(f.lines, fmt.Sprintf("%s: %q -> %q", join(at, d.Name), d.Old, d.New))
		}
	}
}

func (f *flattener) objects(at string, objects []*api.ObjectDiff) {
	for _, o := range objects {
		if o.Type == "None" {
			continue
		}
		f.fields(join(at, o.Name), o.Fields)
		f.objects(join(at, o.Name), o.Objects)
	}
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + " " + name
}
