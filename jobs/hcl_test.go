package jobs

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	nomad "github.com/hashicorp/nomad/api"
	"github.com/zclconf/go-cty/cty"
)

// FuzzHCL holds that whatever Lower lets into a job, HCL's own parser reads the
// same strings out of the text.
func FuzzHCL(f *testing.F) {
	for _, s := range hostile {
		if len(s) < 1000 {
			f.Add("hello", "live_app", s, "web", "us-west", "/", "hello", s, s)
		}
	}
	f.Add("a-b", "a__b", "dir/app's \"file\".py", "big", "eu-central", "/healthz", "a--b--a-b", "x", "y")
	f.Fuzz(func(t *testing.T, project, function, file, server, region, health, host, tree, provided string) {
		p := hello()
		p.Name, p.Functions[0].Name, p.Functions[1].File = project, function, file
		p.Servers[1].Name, p.Servers[1].Region = server, region
		p.Functions[0].WebApp.Health, p.Functions[0].WebApp.Hosts = health, []string{host}
		p.Dependencies.Provided = []string{provided}
		r := release
		r.Tree = tree
		lowered, err := Lower(p, r, DefaultCluster())
		if err != nil {
			return
		}
		if build, err := Build(p, r, DefaultCluster()); err == nil {
			lowered = append(lowered, build)
		}
		for _, job := range lowered {
			checkHCL(t, job)
		}
	})
}

// checkHCL compares the strings of a job, lengths of time among them, with those
// that HCL's own parser reads out of the text that is written for it.
func checkHCL(t *testing.T, job *nomad.Job) {
	t.Helper()
	text, err := HCL(job)
	if err != nil {
		t.Fatal(err)
	}
	file, diags := hclsyntax.ParseConfig(text, "job", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, text)
	}
	got := stringsOf(t, file.Body.(*hclsyntax.Body))
	var want []string
	withoutName := *job
	withoutName.Name = nil // the label is both
	walk(reflect.ValueOf(withoutName), "", func(_ string, v reflect.Value) {
		if v.IsZero() {
			return // left out
		}
		if d, ok := v.Interface().(time.Duration); ok {
			want = append(want, duration(d))
		} else {
			want = append(want, v.String())
		}
	})
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("HCL reads other strings (-job +HCL):\n%s\n%s", diff, text)
	}
}

// references are the attributes of a node that a job names: to Nomad they stand
// for themselves until it places the job.
var references = &hcl.EvalContext{Variables: map[string]cty.Value{"node": cty.ObjectVal(map[string]cty.Value{
	"class": cty.StringVal("${node.class}"), "datacenter": cty.StringVal("${node.datacenter}"),
	"unique": cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal("${node.unique.id}")}),
})}}

// stringsOf are the labels and values of a body.
func stringsOf(t *testing.T, body *hclsyntax.Body) []string {
	t.Helper()
	var out []string
	for _, attribute := range body.Attributes {
		v, diags := attribute.Expr.Value(references)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		_ = cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
			if v.Type() == cty.String {
				out = append(out, v.AsString())
			}
			return true, nil
		})
	}
	for _, block := range body.Blocks {
		out = append(append(out, block.Labels...), stringsOf(t, block.Body)...)
	}
	return out
}
