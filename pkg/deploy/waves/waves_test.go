package waves

import (
	"fmt"
	"slices"
	"testing"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/jobs"
	"fngen.dev/fngen/nomad"
)

// TestInWaves holds which jobs come up together. Servers have 1,000 MB, of class
// "s" but for the one named "big"; a job is written as the memory that it needs
// there, and that it gives back.
func TestInWaves(t *testing.T) {
	needs := func(mb, count, back int64) Demand {
		d := Demand{starts: []start{{"s", "us", uint64(count), mb, 1}}}
		if back > 0 {
			d.ends = []nomad.Held{{Server: "1", MB: back, MHz: 1}}
		}
		return d
	}
	nothing := Demand{}
	many := func(n int, d Demand) []Demand { return slices.Repeat([]Demand{d}, n) }
	server := func(name string, free int64) nomad.Server {
		return nomad.Server{ID: name, Class: "s", Region: "us", FreeMB: free, FreeMHz: 1000}
	}
	draining := nomad.Held{Job: "x", Server: "1", MB: 500, Ending: true}
	for _, test := range []struct {
		name  string
		order []Demand
		free  []nomad.Server
		held  []nomad.Held
		want  []Wave
	}{
		{"none", nil, nil, nil, []Wave{{}}},
		{"all new ones fit", many(10, needs(90, 1, 0)), []nomad.Server{server("1", 1000)}, nil, []Wave{{Jobs: 10}}},
		{"old and new of all fit", many(5, needs(100, 1, 100)), []nomad.Server{server("1", 500)}, nil, []Wave{{Jobs: 5}}},
		{"one place: one after the other", many(3, needs(250, 1, 250)), []nomad.Server{server("1", 250)}, nil, []Wave{{Jobs: 1}, {1, true}, {1, true}}},
		{
			"shares shrink, and make room for a new one", append(many(2, needs(250, 1, 333)), needs(250, 1, 0)),
			[]nomad.Server{server("1", 333)}, nil, []Wave{{Jobs: 1}, {1, true}, {1, true}},
		},
		{
			"shares shrink by enough for two", append(many(2, needs(100, 1, 400)), needs(100, 1, 0)),
			[]nomad.Server{server("1", 200)}, nil, []Wave{{Jobs: 2}, {1, true}},
		},
		{"room on two servers", many(4, needs(400, 1, 0)), []nomad.Server{server("1", 900), server("2", 900)}, nil, []Wave{{Jobs: 4}}},
		{"sums do not count, places do", many(4, needs(600, 1, 0)), []nomad.Server{server("1", 1000), server("2", 1000)}, nil, []Wave{{Jobs: 2}, {1, true}, {1, true}}},
		{"an instance on each of two", many(2, needs(400, 2, 0)), []nomad.Server{server("1", 500), server("2", 900)}, nil, []Wave{{Jobs: 1}, {1, true}}},
		{"what drains is waited for", many(2, needs(250, 1, 250)), []nomad.Server{server("1", 0)}, []nomad.Held{draining}, []Wave{{2, true}}},
		{"what is to start nothing waits for nobody", []Demand{nothing, needs(900, 1, 0), nothing}, []nomad.Server{server("1", 900)}, nil, []Wave{{Jobs: 3}}},
		{"one that never fits is alone", []Demand{needs(100, 1, 0), needs(2000, 1, 0), needs(100, 1, 0)}, []nomad.Server{server("1", 1000)}, nil, []Wave{{Jobs: 1}, {1, true}, {1, true}}},
		{"no such server", many(2, needs(10, 1, 0)), nil, nil, []Wave{{1, true}, {1, true}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			was := slices.Clone(test.free)
			got := Of(test.order, nomad.Room{Servers: test.free, Held: test.held})
			if !slices.Equal(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if !slices.Equal(was, test.free) {
				t.Error("the servers that were given have changed")
			}
		})
	}
}

// TestDemandOf holds what a job needs, and what it gives back: a new instance uses
// as much as the one in whose place it comes.
func TestDemandOf(t *testing.T) {
	server := func(name string) ir.Server { return ir.Server{Name: name, Size: "s", Region: "us-west", Count: 1} }
	project := &ir.Project{
		Name: "shop", Python: "3.11", Servers: []ir.Server{server("web"), server("far")},
		Functions: []ir.Function{{Name: "a", Power: ir.PowerWebApp, File: "a.py", WebApp: &ir.WebApp{Health: "/", Hosts: []string{"shop"}}}},
	}
	lowered, err := jobs.Lower(project, jobs.Release{Number: 1, Tree: "sha256:0"}, jobs.DefaultCluster())
	if err != nil {
		t.Fatal(err)
	}
	old := nomad.Held{Job: "web-a", Group: "web", Server: "1", MB: 700, MHz: 475}
	gone := nomad.Held{Job: "web-a", Group: "left", Server: "2", MB: 480, MHz: 475}
	ending, other := old, old
	ending.Ending, other.Job = true, "web-b"
	got := DemandOf(lowered[0], []nomad.GroupPlan{{Group: "far", Keep: 1}, {Group: "left", Stop: 1}, {Group: "web", Canary: 1}}, []nomad.Held{old, gone, ending, other})
	want := Demand{starts: []start{{"s", "us-west", 1, 700, 475}}, ends: []nomad.Held{gone, old}}
	if !slices.Equal(got.starts, want.starts) || !slices.Equal(got.ends, want.ends) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestInWavesFits holds, for many fleets and orders, that all jobs are there once and
// that the jobs of a wave fit beside each other, unless there is only one.
func TestInWavesFits(t *testing.T) {
	for seed := range 2000 {
		next := func(n int) int64 { seed = (seed*1103515245 + 12345) % (1 << 31); return int64(seed>>8) % int64(n) }
		var servers []nomad.Server
		for i := range next(3) + 1 {
			servers = append(servers, nomad.Server{ID: fmt.Sprint(i), Class: "s", Region: "us", FreeMB: next(1000), FreeMHz: 1000})
		}
		var order []Demand
		for range next(12) {
			order = append(order, Demand{
				starts: []start{{"s", "us", uint64(next(3)), next(300) + 1, 1}},
				ends:   []nomad.Held{{Server: "0", MB: next(300)}},
			})
		}
		waves := Of(order, nomad.Room{Servers: servers})
		free, done := servers, 0
		var ended []nomad.Held
		for _, w := range waves {
			if w.afterEnd {
				free, ended = givenBack(free, ended), nil
			}
			for _, d := range order[done : done+w.Jobs] {
				left, fits := placed(free, d.starts)
				if !fits && w.Jobs > 1 {
					t.Fatalf("seed %d: %+v does not fit into %+v of %+v", seed, d, w, waves)
				}
				free, ended = left, append(ended, d.ends...)
			}
			done += w.Jobs
		}
		if done != len(order) {
			t.Fatalf("seed %d: %d of %d jobs in %+v", seed, done, len(order), waves)
		}
	}
}
