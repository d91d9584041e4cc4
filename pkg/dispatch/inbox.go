package dispatch

import (
	"context"
	"slices"
	"sync"

	"fngen.dev/fngen/pkg/queue"
)

// inbox are messages that wait to be read. It never refuses one: there are no more than
// the broker hands out before it has answers, for those of a connection that is gone are
// dropped, and come again.
type inbox struct {
	mu    sync.Mutex
	list  []*queue.Delivery
	there chan struct{} // holds one value while the list may have something
}

func newInbox() *inbox { return &inbox{there: make(chan struct{}, 1)} }

func (i *inbox) put(d *queue.Delivery) {
	i.mu.Lock()
	i.list = append(slices.DeleteFunc(i.list, (*queue.Delivery).Stale), d)
	i.mu.Unlock()
	select {
	case i.there <- struct{}{}:
	default: // it has one
	}
}

// take waits for messages, and returns at most so many; false when ctx has ended.
func (i *inbox) take(ctx context.Context, most int) ([]*queue.Delivery, bool) {
	for {
		select {
		case <-ctx.Done():
			return nil, false
		case <-i.there:
		}
		i.mu.Lock()
		n := min(most, len(i.list))
		out := slices.Clone(i.list[:n])
		if i.list = slices.Delete(i.list, 0, n); len(i.list) > 0 {
			select {
			case i.there <- struct{}{}:
			default: // another has just been put
			}
		}
		i.mu.Unlock()
		if n > 0 {
			return out, true
		}
	}
}
