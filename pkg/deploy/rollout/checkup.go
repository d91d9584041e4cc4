package rollout

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/cause"
	"fngen.dev/fngen/pkg/deploy/power"
)

// certainAfter is how long an instance must have refused its health path before
// its rollout is given up. The runtime listens only when the app is there, so that
// such an answer is the app's own and does not change with time.
const certainAfter = 5 * time.Second

// sameFaultAfter is how long an instance must have answered 500 because of the same
// exception from the same lines: what is on its way, such as a database, comes sooner,
// and an app that waits for it by design answers 503.
const sameFaultAfter = 15 * time.Second

// askTimeout is how long one of them is waited for: the others are asked after it.
const askTimeout = 2 * time.Second

// shownBody is how much of what comes with a failing health check is shown, in
// bytes.
const shownBody = 200

// checkup asks a function's new instances what Consul asks them. Consul knows the
// answer too, but tells others only whether it is a good one: it passes on the
// words minutes later.
type checkup struct {
	*Rollout
	// path is the health check's; empty for a function that nobody asks.
	path      string
	http      *http.Client
	header    http.Header
	addresses map[string]string // by allocation
	// said is what failed when it was asked last, in words, told what of it was shown.
	said, told string
	// refused is since when an instance refuses its health path.
	refused time.Time
	// faults are the exceptions that instances answer 500 with, by allocation.
	faults map[string]fault
	// cause is the one that the rollout is given up for.
	cause *cause.Cause
	// answered says that an instance has answered at all.
	answered bool
	task     string
}

// fault is one exception, and since when every answer fails with it.
type fault struct {
	cause *cause.Cause
	since time.Time
}

func (r *Rollout) newCheckup(f ir.Function, job *nomadapi.Job) *checkup {
	return &checkup{
		Rollout: r, path: power.Of(f).Health, header: checkHeader(job), addresses: map[string]string{}, faults: map[string]fault{},
		task: job.TaskGroups[0].Tasks[0].Name,
		http: &http.Client{
			Timeout: askTimeout, Transport: &http.Transport{DisableKeepAlives: true},
			// The runtime answers a check by 200 where the app leads elsewhere; the control
			// plane goes nowhere that an app tells it to.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// checkHeader is what the health check of a job sends.
func checkHeader(job *nomadapi.Job) http.Header {
	services := job.TaskGroups[0].Services
	if len(services) == 0 || len(services[0].Checks) == 0 {
		return nil
	}
	return services[0].Checks[0].Header
}

// verdict asks the unhealthy instances. It shows a failing answer, and gives a
// rollout up whose app refuses its health path.
func (k *checkup) verdict(ctx context.Context, unhealthy []string) string {
	if k.path == "" {
		return ""
	}
	refuses := false
	k.said = ""
	for _, id := range unhealthy {
		status, text, err := k.ask(ctx, id)
		k.answered = k.answered || status > 0
		if status != http.StatusInternalServerError {
			delete(k.faults, id)
		}
		switch {
		case err != nil:
			k.Log.Debug("ask an instance", slog.Any("error", err)) // Nomad's own deadline stays
		case status == 0:
			k.said = fmt.Sprintf("its health check never passed: GET %s: %s", k.path, text)
		case status >= 300:
			k.say(status, text)
			refuses = refuses || isRefusal(status)
		}
		if status == http.StatusInternalServerError && k.sameFault(ctx, id) {
			return k.said
		}
	}
	switch {
	case !refuses:
		k.refused = time.Time{}
	case k.refused.IsZero():
		k.refused = time.Now()
	case time.Since(k.refused) >= certainAfter:
		return k.said
	}
	return ""
}

// sameFault notes with which exception an instance answers 500, and reports
// whether that has been the same for long enough.
func (k *checkup) sameFault(ctx context.Context, allocation string) bool {
	found, err := k.ReadCause(ctx, allocation, k.task)
	if err != nil || found.Kind != cause.Request || found.ID == "" {
		delete(k.faults, allocation) // nobody knows: its deadline stays
		return false
	}
	if before, ok := k.faults[allocation]; !ok || before.cause.ID != found.ID {
		k.faults[allocation] = fault{found, time.Now()}
		return false
	}
	if time.Since(k.faults[allocation].since) < sameFaultAfter {
		return false
	}
	k.cause = found
	return true
}

// ask makes the request of the health check. Without an answer the status is 0
// and the text says why; with one the text begins its body.
func (k *checkup) ask(ctx context.Context, allocation string) (status int, text string, err error) {
	address, known := k.addresses[allocation]
	if !known {
		if address, err = k.Nomad.Address(ctx, k.Project, allocation); err != nil {
			return 0, "", err
		}
		k.addresses[allocation] = address
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+k.path, nil)
	if err != nil {
		return 0, "", fmt.Errorf("make health check: %w", err)
	}
	req.Header, req.Host = k.header, k.header.Get("Host")
	resp, err := k.http.Do(req)
	if err != nil {
		_, why, _ := strings.Cut(err.Error(), ": ") // without the URL
		return 0, why, nil
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, shownBody)) // what there is of it
	return resp.StatusCode, strings.ToValidUTF8(strings.TrimSpace(string(body)), ""), nil
}

func words(status int) string { return fmt.Sprintf("%d %s", status, http.StatusText(status)) }

func (k *checkup) say(status int, body string) {
	answer := words(status)
	k.said = fmt.Sprintf("its health check fails: GET %s answers %s", k.path, answer)
	if k.said == k.told {
		return
	}
	k.told = k.said
	line := fmt.Sprintf("GET %s: %s", k.path, answer)
	if body != "" {
		line += ": " + body
	}
	k.Emit(api.Event{Output: &api.Output{Source: "health", Line: line}})
}

// isRefusal reports whether a status says that what was asked for is not there or
// not allowed, rather than not yet.
func isRefusal(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status < 500
}
