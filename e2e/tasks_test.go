//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/task"
)

// moody fails as often as it is told to: once in each directory, or always.
const moody = `import os

from fngen.powers import task_worker


@task_worker(retries=3)
def once(n: int) -> int:
    if not os.path.exists("tried"):
        open("tried", "w").close()
        raise RuntimeError("not yet")
    return n


@task_worker(retries=0)
def never(n: int) -> int:
    print("trying", n)
    %s
    return n
`

// TestTasks takes orders at the shop of examples/tasks, which sends tasks, through a
// push in their middle. What fails is tried again, and what has died is put back when
// it is mended.
func TestTasks(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "east xl")
	p := newProject(t)
	check(t, os.CopyFS(p.Dir, os.DirFS("../examples/tasks")))
	check(t, os.Remove(p.Dir+"/fngen.yml"))
	p.Write(t, "fngen.yml", e2etest.OnServers("xl", "us-east", 1))
	p.Write(t, "moody.py", fmt.Sprintf(moody, `raise ValueError("never")`))
	p.Run(t, "push", p.Name, ".")

	for order := range 20 {
		p.order(t, order)
	}
	if got := strings.TrimSpace(p.Run(t, "run_task", "--wait", p.Name, "once", "7")); got != "7" {
		t.Errorf("what fails at first returned %s", got)
	}
	dead := strings.TrimSpace(p.Run(t, "run_task", p.Name, "never", "8"))
	p.becomes(t, dead, task.Dead)
	p.says(t, dead, "task starts", "trying 8", "task is dead: ValueError: never")
	if out := p.Run(t, "tasks", p.Name, "--dead"); !strings.HasPrefix(out, dead+"\tnever\tdead\t1\t") || !strings.Contains(out, "ValueError: never") {
		t.Errorf("the dead are\n%s", out)
	}

	p.Write(t, "moody.py", fmt.Sprintf(moody, "pass"))
	pushed := make(chan error, 1)
	go func() { pushed <- p.Command("push", p.Name, ".").Run() }()
	var last map[string]string
	for order := range 20 {
		last = p.order(t, 100+order)
	}
	check(t, <-pushed)
	p.Run(t, "tasks", p.Name, "--retry", dead)
	p.becomes(t, dead, task.Succeeded)
	if got := p.becomes(t, last["receipt"], task.Succeeded); string(got.Result) != `"Order 119\n2 x tea: 4.50\nTotal: 9.00"` {
		t.Errorf("the receipt is %s", got.Result)
	}

	all := p.tasks(t)
	if !e2etest.Eventually(func() bool { all = p.tasks(t); return allEnded(all...) }) {
		t.Errorf("not all have ended: %+v", all)
	}
	if len(all) != 82 {
		t.Errorf("%d tasks, not 82", len(all))
	}
	for _, one := range all {
		if one.State != task.Succeeded || one.Attempts > 1 && one.ID != dead && one.Function != "once" {
			t.Errorf("%s %s after %d attempts: %+v", one.Function, one.State, one.Attempts, one.Error)
		}
	}
}

// order sends an order to the shop, which answers with the ids of its tasks.
func (p project) order(t *testing.T, number int) (ids map[string]string) {
	t.Helper()
	address := fmt.Sprintf("%sorders/%d?email=a@example.com", p.URL(), number)
	resp, err := e2etest.Router(t).Post(address, "application/json", strings.NewReader(`{"tea": 2}`))
	check(t, err)
	defer resp.Body.Close()
	check(t, json.NewDecoder(resp.Body).Decode(&ids))
	if resp.StatusCode != http.StatusAccepted || len(ids) != 2 {
		t.Fatalf("order %d: %s, %v", number, resp.Status, ids)
	}
	return ids
}

// becomes waits until a task has a state.
func (p project) becomes(t *testing.T, id string, state task.State) (got api.Task) {
	t.Helper()
	if !e2etest.Eventually(func() bool {
		check(t, json.Unmarshal([]byte(p.Run(t, "tasks", p.Name, id, "--json")), &got))
		return got.State == state
	}) {
		t.Fatalf("the task does not become %s: %+v", state, got)
	}
	return got
}

// says waits until the log of a task has all texts, each in a line that names the task.
func (p project) says(t *testing.T, id string, texts ...string) {
	t.Helper()
	var lines []api.LogLine
	if !e2etest.Eventually(func() bool {
		lines = p.lines(t, "--task-id", id)
		return !slices.ContainsFunc(texts, func(text string) bool { _, found := find(lines, text); return !found })
	}) {
		t.Errorf("the log of the task is %+v", lines)
	}
	for _, l := range lines {
		if l.TaskID != id {
			t.Errorf("not of the task: %+v", l)
		}
	}
}

func (p project) tasks(t *testing.T) (all []api.Task) {
	t.Helper()
	check(t, json.Unmarshal([]byte(p.Run(t, "tasks", p.Name, "--limit", "200", "--json")), &all))
	return all
}

func allEnded(tasks ...api.Task) bool {
	for _, one := range tasks {
		if !one.State.Ended() {
			return false
		}
	}
	return true
}
