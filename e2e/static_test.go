package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"fngen.dev/fngen/e2e/cluster"
)

// reading visits a page again and again, and the file that the page links to.
type reading struct {
	client *http.Client
	url    string
	stop   chan struct{}
	done   sync.WaitGroup

	// visits counts the pages, mixed those whose file another release sent.
	visits, mixed int
	faults        []string
}

// read is the reading of the one script that reads.
var read *reading

// pages start LABEL visits the page / whose body is the path of a file, and that
// file, each time anew; pages stop ends it, and fails if anything was not found.
func pages(ts *testscript.TestScript, neg bool, args []string) {
	switch {
	case len(args) == 2 && args[0] == "start":
		client, err := cluster.Router()
		ts.Check(err)
		client.Transport.(*http.Transport).DisableKeepAlives = true // else one instance answers all
		read = &reading{client: client, url: "https://" + args[1] + "." + os.Getenv("FNGEN_DOMAIN"), stop: make(chan struct{})}
		read.done.Go(read.visit)
		ts.Defer(read.end)
	case len(args) == 1 && args[0] == "stop":
		read.end()
		fmt.Fprintf(ts.Stdout(), "%d pages, %d with a file of another release\n", read.visits, read.mixed)
		if len(read.faults) > 0 || read.visits < 10 {
			ts.Fatalf("%d of %d pages failed:\n%s", len(read.faults), read.visits, strings.Join(read.faults, "\n"))
		}
	default:
		ts.Fatalf("usage: pages start LABEL | pages stop")
	}
}

func (r *reading) visit() {
	for {
		select {
		case <-r.stop:
			return
		default:
		}
		r.visits++
		link, page, err := r.get("/")
		if err == nil {
			var file string
			if _, file, err = r.get(strings.TrimSpace(link)); file != page {
				r.mixed++
			}
		}
		if err != nil {
			r.faults = append(r.faults, err.Error())
		}
	}
}

// get returns what was sent, and by which release.
func (r *reading) get(path string) (body, release string, err error) {
	req, err := http.NewRequest(http.MethodGet, r.url+path, nil)
	if err != nil {
		return "", "", err
	}
	req.Header.Set("Fngen-Probe", "1") // the instance says who it is
	resp, err := r.client.Do(req)
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	release = resp.Header.Get("Fngen-Release")
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s of release %s: %s", path, release, resp.Status)
	}
	return string(text), release, err
}

func (r *reading) end() {
	select {
	case <-r.stop:
	default:
		close(r.stop)
	}
	r.done.Wait()
}
