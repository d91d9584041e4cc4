package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// shown is how many failures are kept; the others are only counted.
const shown = 20

// Report is what became of the requests.
type Report struct {
	// Kinds are in the order in which they were given.
	Kinds []Count
	// Failures are the first ones.
	Failures []Failure
	// Last is when the last failure was known, since the load began.
	Last time.Duration
	// Releases counts the answers of each release.
	Releases map[string]int
}

// Count is what became of the requests of one kind.
type Count struct {
	Kind         string
	Sent, Failed int
	// Again counts those that took a second connection, as any client would have
	// opened.
	Again int
}

// Failure is a request that failed. Its times are since the load began.
type Failure struct {
	Kind       string
	Began, End time.Duration
	// Release is empty when nothing was answered.
	Release string
	Err     error
}

func (f Failure) String() string {
	text := fmt.Sprintf("%s, begun after %.3f s, failed after %.3f s", f.Kind, f.Began.Seconds(), f.End.Seconds())
	if f.Release != "" {
		text += ", release " + f.Release
	}
	return text + ": " + f.Err.Error()
}

func (r *Report) add(kind int, got answer, err error, began, end time.Duration) {
	count := &r.Kinds[kind]
	count.Sent++
	if got.again {
		count.Again++
	}
	if got.release != "" {
		r.Releases[got.release]++
	}
	if err == nil {
		return
	}
	count.Failed++
	r.Last = max(r.Last, end)
	if len(r.Failures) < shown {
		r.Failures = append(r.Failures, Failure{count.Kind, began, end, got.release, err})
	}
}

// clone is a copy that does not change any more.
func (r Report) clone() Report {
	return Report{slices.Clone(r.Kinds), slices.Clone(r.Failures), r.Last, maps.Clone(r.Releases)}
}

// Sent is the number of requests.
func (r Report) Sent() int {
	n := 0
	for _, k := range r.Kinds {
		n += k.Sent
	}
	return n
}

// Failed is the number of those that failed.
func (r Report) Failed() int {
	n := 0
	for _, k := range r.Kinds {
		n += k.Failed
	}
	return n
}

// String is a line for each kind, for the releases and for each failure kept.
func (r Report) String() string {
	var b strings.Builder
	for _, k := range r.Kinds {
		fmt.Fprintf(&b, "%s: %d, %d failed, %d took a second connection\n", k.Kind, k.Sent, k.Failed, k.Again)
	}
	b.WriteString("answers by release:")
	for _, release := range slices.Sorted(maps.Keys(r.Releases)) {
		fmt.Fprintf(&b, " %s:%d", release, r.Releases[release])
	}
	b.WriteByte('\n')
	for _, f := range r.Failures {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}
