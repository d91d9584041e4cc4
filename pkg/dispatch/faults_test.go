package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/dispatch"
	"fngen.dev/fngen/pkg/queue"
	"fngen.dev/fngen/pkg/queue/brokertest"
	"fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

// inBatch is how many tasks of a storm are sent at once.
const inBatch = 50

// storm sends tasks again and again with their keys until the broker has all of them, and
// returns their ids by their keys.
func (w *world) storm(batches int, sent func(batch int)) map[string]string {
	w.t.Helper()
	ids := map[string]string{}
	deadline := time.Now().Add(patience)
	for b := range batches {
		var orders []dispatch.Order
		for i := range inBatch {
			orders = append(orders, dispatch.Order{Function: "send", Payload: fmt.Appendf(nil, "%d", b*inBatch+i), Key: fmt.Sprintf("k%d", b*inBatch+i)})
		}
		for len(orders) > 0 {
			out, err := w.Send(w.t.Context(), w.p, dispatch.Caller{}, orders)
			if err != nil {
				w.t.Fatal(err)
			}
			var again []dispatch.Order
			for i, one := range out {
				if one.Err != nil {
					again = append(again, orders[i])
				} else {
					ids[orders[i].Key] = one.ID
				}
			}
			if orders = again; time.Now().After(deadline) {
				w.t.Fatalf("%d of batch %d were never sent: %v", len(orders), b, out[0].Err)
			}
		}
		sent(b)
	}
	return ids
}

// ran counts how often each task was handed out.
type ran struct {
	mu    sync.Mutex
	times map[string]int
}

// serve runs whatever comes: it tells the end, and answers when that is confirmed, until
// ctx ends. What it cannot tell it gives back.
func (a *agent) serve(ctx context.Context, r *ran) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-a.Deliveries():
			r.mu.Lock()
			r.times[d.ID]++
			r.mu.Unlock()
			if a.ended(ctx, d) {
				_ = d.Ack(false) // else it comes again
			} else {
				_ = d.Return()
			}
		}
	}
}

// allSucceeded is the invariant: whatever was confirmed has come to its end, and was run.
func (w *world) allSucceeded(ids map[string]string, r *ran) {
	w.t.Helper()
	twice := 0
	for _, id := range ids {
		w.until(id, "succeeded", func(got tasks.Task) bool { return got.State == task.Succeeded })
		r.mu.Lock()
		if r.times[id] > 1 {
			twice++
		}
		r.mu.Unlock()
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		list, err := w.List(w.t.Context(), w.p, tasks.Filter{Limit: 2 * len(ids)})
		if err != nil {
			w.t.Fatal(err)
		}
		open := 0
		for _, one := range list {
			if !one.State.Ended() {
				open++
			}
		}
		if open == 0 && len(list) == len(ids) {
			break
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d tasks are known of %d that were sent, and %d have not ended", len(list), len(ids), open)
		}
	}
	w.t.Logf("%d of %d were handed out more than once", twice, len(ids))
}

// TestBrokerKilled: kill -9 of the broker under load loses no task that was confirmed, and
// those that were not are sent by their keys, each as one task.
func TestBrokerKilled(t *testing.T) {
	node := brokertest.Start(t)
	w := newWorldAt(t, node, "killed")
	w.release(true, "send")
	if err := node.Keeps("fngen.killed", "fn.killed.send"); err != nil {
		t.Fatal(err)
	}
	a := w.agent("send")
	r := &ran{times: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); a.serve(ctx, r) }()
	up := make(chan error, 1)
	ids := w.storm(20, func(batch int) {
		if batch == 9 {
			go func() { node.Kill(); up <- node.Up() }()
		}
	})
	if err := <-up; err != nil {
		t.Fatal(err)
	}
	w.allSucceeded(ids, r)
	cancel()
	<-over
}

// TestConnectionsCut: connections that break at any moment under load lose nothing.
func TestConnectionsCut(t *testing.T) {
	node := brokertest.Start(t)
	w := newWorldAt(t, node, "cut")
	w.release(true, "send")
	a := w.agent("send")
	r := &ran{times: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); a.serve(ctx, r) }()
	ids := w.storm(20, func(batch int) {
		if batch%4 == 1 {
			if err := node.CutConnections(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	w.allSucceeded(ids, r)
	cancel()
	<-over
}

// TestControlPlaneAway: while no control plane runs, tasks go on; the next one catches up,
// and knows the keys.
func TestControlPlaneAway(t *testing.T) {
	w := newWorld(t, "away")
	w.release(true, "send")
	ids := w.storm(4, func(int) {})
	w.Stop()
	a := w.agent("send")
	r := &ran{times: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); a.serve(ctx, r) }()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		r.mu.Lock()
		n := len(r.times)
		r.mu.Unlock()
		if n == len(ids) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d were run", n, len(ids))
		}
	}
	w.start()
	again := w.storm(4, func(int) {})
	for key, id := range ids {
		if again[key] != id {
			t.Errorf("%s is another task afterwards", key)
		}
	}
	w.allSucceeded(ids, r)
	cancel()
	<-over
	for id, n := range r.times {
		if n != 1 {
			t.Errorf("task %s was handed out %d times", id, n)
		}
	}
}

// ended tells the end of a task, and whether that is confirmed.
func (a *agent) ended(ctx context.Context, d *queue.Delivery) bool {
	m, err := d.Task()
	if err != nil {
		a.w.t.Error(err)
		return false
	}
	for ctx.Err() == nil && !d.Stale() {
		err := a.tryTell(ctx, event(m.ID, m.Attempt, task.Succeeded))
		if err == nil {
			return true
		}
		if !errors.Is(err, queue.ErrUnreachable) && !errors.Is(err, queue.ErrUnknown) {
			a.w.t.Error(err)
			return false
		}
	}
	return false
}
