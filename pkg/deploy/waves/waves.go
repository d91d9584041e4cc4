// Package waves tells which jobs of a rollout fit on the servers at the same time, and
// brings them up so: wave by wave, and within a wave one after the other, each as soon
// as those before it have their places. It asks nobody: what runs and what is free is
// handed to it.
package waves

import (
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/catalog"
	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/nomad"
)

// Wave is how many jobs of a rollout, in its order, come up at the same time.
type Wave struct {
	Jobs int
	// afterEnd says that there is room for them only when those before them are up and
	// what they have replaced, and all else that was told to stop, has ended.
	afterEnd bool
}

// Demand is what a job needs of the servers until it is up, and what it gives back
// when the instances that it replaces have ended.
type Demand struct {
	starts []start
	ends   []nomad.Held
}

// start is so many new instances on servers of a size in a region.
type start struct {
	class, region string
	count         uint64
	mb, mhz       int64
}

// Of puts as many jobs of an order as fit beside all that runs into each wave.
// Nothing overtakes: a job that has to wait has the others wait. One that never
// fits has a wave of its own, and must see for itself how it comes up.
func Of(order []Demand, room nomad.Room) []Wave {
	f := forecast{free: room.Servers, waves: []Wave{{}}}
	for _, h := range room.Held {
		if h.Ending {
			f.ending = append(f.ending, h)
		}
	}
	for _, d := range order {
		f.add(d)
	}
	return f.waves
}

// forecast is how waves follow each other.
type forecast struct {
	free   []nomad.Server
	ending []nomad.Held
	waves  []Wave
	// overfull says that a job of the last wave does not fit.
	overfull bool
}

func (f *forecast) add(d Demand) {
	left, fits := placed(f.free, d.starts)
	if len(d.starts) > 0 && (!fits || f.overfull) {
		f.next()
		f.free, f.ending = givenBack(f.free, f.ending), nil
		left, fits = placed(f.free, d.starts)
		f.overfull = !fits
	}
	f.free, f.ending = left, append(f.ending, d.ends...)
	f.waves[len(f.waves)-1].Jobs++
}

// next begins a wave, in the place of one that has no jobs.
func (f *forecast) next() {
	w := Wave{afterEnd: true}
	if last := &f.waves[len(f.waves)-1]; last.Jobs == 0 {
		*last = w
		return
	}
	f.waves = append(f.waves, w)
}

// placed is what is free when instances have started, and whether all of them
// found a place. Those that do not take none.
func placed(free []nomad.Server, starts []start) ([]nomad.Server, bool) {
	left, all := slices.Clone(free), true
	for _, s := range starts {
		for range s.count {
			i := slices.IndexFunc(left, func(at nomad.Server) bool {
				return at.Class == s.class && at.Region == s.region && at.FreeMB >= s.mb && at.FreeMHz >= s.mhz
			})
			if i < 0 {
				all = false
				break
			}
			left[i].FreeMB, left[i].FreeMHz = left[i].FreeMB-s.mb, left[i].FreeMHz-s.mhz
		}
	}
	return left, all
}

func givenBack(free []nomad.Server, ended []nomad.Held) []nomad.Server {
	out := slices.Clone(free)
	for _, h := range ended {
		if i := slices.IndexFunc(out, func(s nomad.Server) bool { return s.ID == h.Server }); i >= 0 {
			out[i].FreeMB, out[i].FreeMHz = out[i].FreeMB+h.MB, out[i].FreeMHz+h.MHz
		}
	}
	return out
}

// DemandOf reads what Nomad's scheduler would do with a job. A new instance will
// use as much as those that it replaces.
func DemandOf(job *nomadapi.Job, groups []nomad.GroupPlan, held []nomad.Held) Demand {
	var out Demand
	for _, plan := range groups {
		uses := int64(0)
		for _, h := range held {
			if h.Job != *job.ID || h.Group != plan.Group || h.Ending {
				continue
			}
			uses = max(uses, h.MB)
			if plan.Replace+plan.Canary+plan.Stop > 0 {
				out.ends = append(out.ends, h)
			}
		}
		i := slices.IndexFunc(job.TaskGroups, func(g *nomadapi.TaskGroup) bool { return *g.Name == plan.Group })
		if count := plan.Starts(); count > 0 && i >= 0 {
			out.starts = append(out.starts, startOf(job.TaskGroups[i], count, uses))
		}
	}
	return out
}

func startOf(g *nomadapi.TaskGroup, count uint64, uses int64) start {
	needs := g.Tasks[0].Resources
	out := start{count: count, mb: max(uses, int64(*needs.MemoryMB)), mhz: int64(*needs.CPU)}
	out.class, out.region = nomad.Constrained(g)
	return out
}

// startsAtOnce is how many functions may start at a time for each processor of
// the smallest server. More would not be up sooner, and each must be up within two
// minutes, whatever it imports.
const startsAtOnce = 8

// AtOnce is how many functions of a project may start at a time.
func AtOnce(p *ir.Project) int {
	least := 0
	for _, s := range p.Servers {
		if size, ok := catalog.LookupSize(s.Size); ok && (least == 0 || size.VCPU < least) {
			least = size.VCPU
		}
	}
	return max(1, least) * startsAtOnce
}
