package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestRecovery kills every process of the cluster at once, tasks included, as a
// power cut would, and holds that `make up` brings the pushed project back. It is
// the last test, so that nothing else waits for it.
func TestRecovery(t *testing.T) {
	requireCluster(t)
	dev, err := filepath.Abs("../.dev")
	if err != nil {
		t.Fatal(err)
	}
	before := status(t, "hello")
	pids := family(t, dev+"/data/")
	if len(pids) < 10 {
		t.Fatalf("found only %d processes of the cluster", len(pids))
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			t.Fatalf("kill %d: %v", pid, err)
		}
	}
	up := exec.Command("make", "-C", "..", "up")
	if out, err := up.CombinedOutput(); err != nil {
		t.Fatalf("make up: %v\n%s", err, out)
	}
	client, err := ingress()
	if err != nil {
		t.Fatal(err)
	}
	answers := func() bool {
		resp, err := client.Get("https://hello." + os.Getenv("FNGEN_DOMAIN") + "/")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
	if !eventually(answers) {
		t.Fatal("hello does not answer after make up")
	}
	if after := status(t, "hello"); after != before {
		t.Errorf("release before %s, after %s", before, after)
	}
}

// status is the live release of a project, as `fngen status` has it.
func status(t *testing.T, project string) string {
	t.Helper()
	out, err := exec.Command("fngen", "projects", "--json").Output()
	if err != nil {
		t.Fatalf("fngen projects: %v", err)
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(string(out), "}", "}\n"), "\n") {
		if strings.Contains(line, fmt.Sprintf("%q", project)) {
			return strings.Join(strings.Fields(line), "")
		}
	}
	t.Fatalf("fngen projects does not list %s: %s", project, out)
	return ""
}

// family are the processes whose command line has a text, such as the cluster's
// directory, and all that they started.
func family(t *testing.T, text string) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	children := map[int][]int{}
	var queue []int
	for _, file := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			t.Fatal(err)
		}
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The name, in brackets, may hold anything; the parent is the second after it.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if parent, err := strconv.Atoi(string(fields[1])); err == nil {
			children[parent] = append(children[parent], pid)
		}
		cmdline, err := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if err == nil && bytes.Contains(cmdline, []byte(text)) {
			queue = append(queue, pid)
		}
	}
	seen := map[int]bool{}
	var out []int
	for len(queue) > 0 {
		pid := queue[0]
		queue = append(queue[1:], children[pid]...)
		if !seen[pid] {
			seen[pid] = true
			out = append(out, pid)
		}
	}
	return out
}
