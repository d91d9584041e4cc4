package agent

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/agent/console"
	"fngen.dev/fngen/pkg/agent/controlplane"
	crews "fngen.dev/fngen/pkg/agent/tasks"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/largepayload"
	"fngen.dev/fngen/pkg/task"
)

// boss has a runner stop: with the first signal when what runs has ended, with the
// second at once, with the third it ends the agent, and all with it.
type boss struct {
	mu     sync.Mutex
	runner *crews.Runner
	stops  int
	timer  *time.Timer
}

// lead names the runner, which may be told to stop already.
func (b *boss) lead(r *crews.Runner) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.runner = r
	b.act()
}

func (b *boss) act() {
	if b.runner == nil {
		return
	}
	if b.stops > 0 {
		b.runner.Stop()
	}
	if b.stops > 1 {
		b.runner.Break()
	}
}

// stop is told with each signal, and counts them. What has not ended after drain is
// given back.
func (b *boss) stop(drain time.Duration, log console.Logger) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stops++
	if b.stops == 1 {
		b.timer = time.AfterFunc(drain, func() { b.stop(drain, log) })
		log.Say("takes no more tasks, and stops when those that run have ended, in %s at the latest", drain)
	}
	b.act()
	return b.stops
}

// only is the task that runs when no other does.
func (b *boss) only() string {
	b.mu.Lock()
	runner := b.runner
	b.mu.Unlock()
	if runner == nil {
		return ""
	}
	return runner.Only()
}

func (b *boss) level() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timer != nil {
		b.timer.Stop()
	}
	return b.stops
}

// claims asks the control plane about messages that were handed out before.
type claims struct{ client *controlplane.Client }

func (c claims) Claim(ctx context.Context, id string, attempt int) (crews.Verdict, error) {
	var answer struct {
		Verdict crews.Verdict `json:"verdict"`
	}
	err := c.client.Ask(ctx, http.MethodPost, "/v1/agent/tasks/claims", map[string]any{"id": id, "attempt": attempt}, &answer)
	return answer.Verdict, err
}

// Payload fetches the payload of a task that is too large for its message. That the
// control plane does not have it any more is crews.ErrPayloadGone.
func (c claims) Payload(ctx context.Context, id string, is task.Large) ([]byte, error) {
	var data []byte
	err := c.client.Do(ctx, http.MethodGet, "/v1/agent/tasks/"+url.PathEscape(id)+"/payload", nil, func(_ http.Header, r io.Reader) error {
		var err error
		data, err = largepayload.ReadAll(r, is)
		return err
	})
	p, ok := errors.AsType[*api.Problem](err)
	if ok && p.Status == http.StatusNotFound || errors.Is(err, largepayload.ErrGone) {
		return nil, crews.ErrPayloadGone
	}
	return data, err
}
