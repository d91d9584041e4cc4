package tasks

import (
	"context"
	"slices"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/task"
)

// function is a task worker, with the tasks that wait for it. All of it is of the
// service's lock.
type function struct {
	service *Service
	name    string
	queue   []task.Message
	// current runs what comes; nil before the first start, and for a function that is
	// no more.
	current *generation
	// old ones have tasks yet.
	old []*generation
	// failure is why there is none.
	failure string
}

// generation is a function by the code of one save.
type generation struct {
	service  *Service
	of       *function
	function ir.Function
	start    Start
	// isAsync and schema are told by its processes.
	isAsync bool
	schema  []byte
	workers []*worker
	// starting is how many are being started, broken that none can be.
	starting int
	broken   bool
}

// put makes a generation the current one; nil ends the function.
func (f *function) put(g *generation) {
	if f.current != nil {
		f.old = append(f.old, f.current)
	}
	f.current, f.failure = g, ""
	for _, old := range f.old {
		for _, w := range slices.Clone(old.workers) {
			w.retire()
		}
	}
	f.old = slices.DeleteFunc(f.old, func(g *generation) bool { return len(g.workers) == 0 })
	f.hand()
}

// all are the processes of all generations.
func (f *function) all() []*worker {
	var out []*worker
	for _, g := range f.old {
		out = append(out, g.workers...)
	}
	if f.current != nil {
		out = append(out, f.current.workers...)
	}
	return out
}

func (f *function) enqueue(m task.Message) {
	if f.service.cancelled[m.ID] {
		delete(f.service.cancelled, m.ID)
		return
	}
	f.queue = append(f.queue, m)
	f.hand()
}

// hand gives tasks that wait to processes that have room, and starts another process
// where all are at work and the function may run more at once.
func (f *function) hand() {
	g := f.current
	for g != nil && len(f.queue) > 0 && f.service.ending.Err() == nil {
		w := g.free()
		if w == nil {
			g.more(len(f.queue))
			return
		}
		m := f.queue[0]
		f.queue = f.queue[1:]
		w.take(m)
	}
}

// drop takes a task out of the queue, and reports whether it was there.
func (f *function) drop(id string) bool {
	waiting := len(f.queue)
	f.queue = slices.DeleteFunc(f.queue, func(m task.Message) bool { return m.ID == id })
	return len(f.queue) < waiting
}

func (g *generation) free() *worker {
	for _, w := range g.workers {
		if !w.retired && len(w.running) < g.places() {
			return w
		}
	}
	return nil
}

// places are how many tasks one process runs at once.
func (g *generation) places() int {
	if g.isAsync {
		return g.function.TaskWorker.Concurrency
	}
	return 1
}

// more starts processes, as many as there are tasks for and the function may have.
func (g *generation) more(tasks int) {
	most := 1
	if !g.isAsync {
		most = g.function.TaskWorker.Concurrency
	}
	for ; !g.broken && g.starting < tasks && len(g.workers)+g.starting < most; g.starting++ {
		g.service.work.Go(g.another)
	}
}

func (g *generation) another() {
	w, err := g.begin(g.service.ending)
	s := g.service
	s.mu.Lock()
	defer s.mu.Unlock()
	g.starting--
	if err != nil {
		if s.ending.Err() == nil {
			g.broken = true
			s.o.Say("%s: its tasks wait for the next save: %v", g.function.Name, err)
		}
		return
	}
	g.adopt(w)
	if g.of.current != g {
		w.retire()
		return
	}
	g.of.hand()
}

// adopt has a process take tasks.
func (g *generation) adopt(w *worker) {
	g.isAsync, g.schema = w.async, w.schema
	g.workers = append(g.workers, w)
	g.service.work.Go(w.listen)
	g.service.work.Go(w.write)
}

// begin starts a process, and waits until it takes tasks.
func (g *generation) begin(ctx context.Context) (*worker, error) {
	return g.service.door.worker(ctx, g)
}
