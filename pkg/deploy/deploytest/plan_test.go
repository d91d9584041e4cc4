package deploytest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"

	"fngen.dev/fngen/compiler"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/deploy"
	"fngen.dev/fngen/pkg/deploy/jobset"
	"fngen.dev/fngen/pkg/store"
)

// planned plans a push of files, compiled as a client does.
func (w *world) planned(files map[string]string) api.Plan {
	w.Helper()
	ctx := w.Context()
	tree := w.tree(files)
	has := must(w.service.Platform(ctx))(w.T)
	target := compiler.Target{Regions: has.Regions, DefaultRegion: has.DefaultRegion, Domain: has.Domain, Pythons: has.Pythons, Powers: has.Powers}
	project, list := compiler.Compile(ctx, compiler.Input{Tree: treeIn(files), Project: w.project.Name, Target: target})
	if list.HasErrors() {
		w.Fatal(list)
	}
	return must(w.service.Plan(ctx, w.project, api.PlanRequest{Tree: tree, Project: *project}))(w.T)
}

// treeIn is a tree in memory.
func treeIn(files map[string]string) source.Tree {
	in, tree := fstest.MapFS{}, source.Tree{}
	for path, text := range files {
		in[path] = &fstest.MapFile{Data: []byte(text)}
		sum := sha256.Sum256([]byte(text))
		tree.Files = append(tree.Files, source.File{Path: path, Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])})
	}
	tree.FS = in
	tree.Sort()
	return tree
}

// jobsOf are the jobs of a plan with what becomes of them.
func jobsOf(p api.Plan) []string {
	var out []string
	for _, j := range p.Jobs {
		out = append(out, fmt.Sprintf("%s %s %d", j.ID, j.Action, j.Wave))
	}
	slices.Sort(out)
	return out
}

func routesOf(p api.Plan) []string {
	var out []string
	for _, r := range p.Routes {
		out = append(out, fmt.Sprintf("%s %s %s %s", strings.TrimSuffix(strings.TrimPrefix(r.URL, "https://"), ".fngen.localhost"), r.Action, r.Function, r.From))
	}
	slices.Sort(out)
	return out
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s are\n%q, not\n%q", what, got, want)
	}
}

// TestPlanOfFirst holds the plan of a project in which nothing is.
func TestPlanOfFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		p := w.planned(code(1, oneServer, "one", "two"))
		if !p.Changed || p.Live != 0 || p.Release != 1 || p.Dependencies.Action != api.Create || p.Cost.Before != 0 || p.Cost.After == 0 {
			t.Errorf("the plan is %+v", p)
		}
		same(t, "jobs", jobsOf(p), []string{"web-one create 1", "web-two create 1"})
		same(t, "routes", routesOf(p), []string{"one--shop create one ", "shop create one ", "two--shop create two "})
		for _, j := range p.Jobs {
			if !strings.Contains(j.HCL, fmt.Sprintf("job %q", j.ID)) || !strings.Contains(j.Diff, "+job ") || !j.Placement.OK || len(j.Groups) != 1 || j.Groups[0].Start != 1 {
				t.Errorf("job %s is %+v", j.ID, j)
			}
		}
		if ids := must(w.nomad.JobIDs(t.Context(), "shop"))(t); len(ids) > 0 {
			t.Errorf("a plan has made %v", ids)
		}
	})
}

// TestPlanOfChanges holds what a plan says of functions that come, go and change, and
// that a push does that.
func TestPlanOfChanges(t *testing.T) {
	inWorld(t, func(w *world) {
		if p := w.planned(code(1, oneServer, "one", "two")); p.Changed || p.Release != 1 || p.Live != 1 {
			t.Errorf("of what is live: %+v", p)
		}
		files := code(2, oneServer, "one", "three")
		p := w.planned(files)
		same(t, "jobs", jobsOf(p), []string{"web-one update 1", "web-three create 1", "web-two stop 0"})
		same(t, "routes", routesOf(p), []string{"one--shop none one ", "shop none one ", "three--shop create three ", "two--shop remove two "})
		if p.Dependencies.Action != api.None || p.Cost.Before != p.Cost.After || p.Live != 1 || p.Release != 2 {
			t.Errorf("the plan is %+v", p)
		}
		var functions []string
		for _, f := range p.Functions {
			functions = append(functions, fmt.Sprintf("%s %s %v", f.Name, f.Action, f.Changes))
		}
		slices.Sort(functions)
		same(t, "functions", functions, []string{"one update [code]", "three create []", "two remove []"})
		if problem := w.pushRequest(api.PushRequest{Tree: p.Tree, Plan: p.Seal}); problem != nil {
			t.Errorf("as planned: %v", problem)
		}
		w.heals()
		w.refused(w.pushRequest(api.PushRequest{Tree: w.tree(code(3, oneServer, "one")), Plan: p.Seal}), api.Drifted, "the plan does not hold any more", "release 2 is live")
		w.heals()
	})
}

// TestPlanOfServers holds what a plan says of servers: those that come and go, and
// where there is no room.
func TestPlanOfServers(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.planned(code(2, oneServer+"  - {name: near, size: s, region: us-west, count: 2}\n", "one", "two"))
		var servers []string
		for _, s := range p.Servers {
			servers = append(servers, fmt.Sprintf("%s %s %d", s.Name, s.Action, s.Count))
		}
		slices.Sort(servers)
		same(t, "servers", servers, []string{"near create 2", "web none 1"})
		if p.Cost.After != 3*p.Cost.Before {
			t.Errorf("the cost is %+v", p.Cost)
		}
		p = w.planned(code(2, strings.Replace(oneServer, "count: 1", "count: 40", 1), "one", "two"))
		if j := p.Jobs[0]; j.Placement.OK || len(j.Placement.Reasons) != 1 || !strings.Contains(j.Placement.Reasons[0], "no room") {
			t.Errorf("without room: %+v", j)
		}
		if problem := w.push(code(2, oneServer, "one", "two")); problem != nil {
			t.Error(problem)
		}
	})
}

// TestPlanSeesDrift holds that a plan is of the jobs as Nomad has them: what somebody
// changes there by hand makes it another one.
func TestPlanSeesDrift(t *testing.T) {
	inWorld(t, func(w *world) {
		files := code(1, oneServer, "one", "two")
		before := w.planned(files)
		changed := *must(jobset.Decode(w.release(1).Jobs))(t)[0]
		changed.Priority = new(70)
		must(w.nomad.Place(t.Context(), &changed, must(w.nomad.Plan(t.Context(), &changed))(t).Index, nil))(t)
		after := w.planned(files)
		if before.Changed || !after.Changed || before.Seal == after.Seal {
			t.Errorf("before %v %s, after %v %s", before.Changed, before.Seal, after.Changed, after.Seal)
		}
		w.refused(w.pushRequest(api.PushRequest{Tree: before.Tree, Plan: before.Seal}), api.Drifted)
	})
}

// TestPlanRefuses holds that a plan of what no compiler made is refused before
// anything else is asked: this service has no store and no Nomad.
func TestPlanRefuses(t *testing.T) {
	s := deploy.New(t.Context(), deploy.Config{Cluster: jobs.DefaultCluster()}, nil, nil, nil, nil, nil, slog.New(slog.DiscardHandler))
	good := func() api.PlanRequest {
		return api.PlanRequest{Tree: "sha256:0", Project: ir.Project{
			Version: ir.Version, Name: "shop", Python: "3.11", Servers: []ir.Server{{Name: "web", Size: "s", Region: "us-west", Count: 1}},
			Functions: []ir.Function{{Name: "a", Power: ir.PowerWebApp, File: "a.py", WebApp: &ir.WebApp{Health: "/", Hosts: []string{"shop"}}}},
		}}
	}
	for what, spoil := range map[string]func(*ir.Project){
		"another format":  func(p *ir.Project) { p.Version++ },
		"another project": func(p *ir.Project) { p.Name = "other" },
		"a Power not run here": func(p *ir.Project) {
			p.Functions[0].Power, p.Functions[0].WebApp, p.Functions[0].TaskWorker = ir.PowerTaskWorker, nil, &ir.TaskWorker{}
		},
		"a web app without options": func(p *ir.Project) { p.Functions[0].WebApp = nil },
		"a count that floods Nomad": func(p *ir.Project) { p.Servers[0].Count = 1 << 30 },
		"code in a name":            func(p *ir.Project) { p.Functions[0].Name = "${env.X}" },
	} {
		req := good()
		spoil(&req.Project)
		_, err := s.Plan(t.Context(), store.Project{Name: "shop"}, req)
		if problem, ok := errors.AsType[*api.Problem](err); !ok || problem.Code != api.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
}
