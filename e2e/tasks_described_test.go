//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/e2e/e2etest"
)

// described is product.md's own code, word for word, with the functions that it sends
// tasks to.
const described = `
import logging
from fngen.powers import task_worker

# Configure basic logging (optional, but good practice)
logging.basicConfig(level=logging.INFO)
logger = logging.getLogger(__name__)

@task_worker(compute='server')
def process_order(order_id: int, customer_email: str, items: list[dict]):
    """
    Processes an order by ID, customer email, and a list of purchased items.
    """
    print(f"Processing order {order_id} for {customer_email}")
    print(f"Items: {items}")

@task_worker(compute='server')
def process_data(data_payload: dict):
    """
    Processes data received via a task.
    """
    try:
        logger.info(f"Received data payload: {data_payload}")
        # ... processing logic ...
        logger.info("Data processing successful")
        # You can log at different levels:
        # logger.warning("Something unusual happened")
        # logger.error("An error occurred during processing")
    except Exception as e:
        logger.exception(f"Error processing data: {e}") # Logs error and traceback
        raise # Re-raise the exception if needed

@task_worker(compute='server')
def hello_world(name: str):
    return f"Hello, {name}!"
`

// TestTasksAsDescribed runs the examples of the product's description as they stand there:
// by the CLI, and by the SDK with the key of a person.
func TestTasksAsDescribed(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "east m")
	p := newProject(t)
	p.Write(t, "app.py", described)
	p.Write(t, "fngen.yml", e2etest.OnServers("m", "us-east", 1))
	p.Run(t, "push", p.Name, ".")

	// What does not fit is refused before it is queued, with every field.
	cmd := p.Command("run_task", p.Name, "process_order", `{"order_id": "x", "customer_email": 1}`)
	out, err := cmd.CombinedOutput()
	for _, want := range []string{`order_id: expected int`, `customer_email: expected str`, `items: is missing`} {
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("a payload that does not fit: %v, without %q:\n%s", err, want, out)
		}
	}

	order := p.Run(t, "run_task", "--wait", p.Name, "process_order", `{"order_id": 101, "customer_email": "test@example.com", "items": [{"item_id": 5, "qty": 1}]}`)
	if got := strings.TrimSpace(order); got != "null" {
		t.Errorf("process_order returned %s", got)
	}
	if got := strings.TrimSpace(p.Run(t, "run_task", "--wait", p.Name, "hello_world", `{"name": "Aang"}`)); got != `"Hello, Aang!"` {
		t.Errorf("hello_world returned %s", got)
	}
	p.Run(t, "run_task", "--wait", p.Name, "process_data", `{"a": 1}`)

	sdk, err := filepath.Abs("../sdk/python/src")
	check(t, err)
	python := exec.CommandContext(t.Context(), "python3", "-c", `
import sys
from fngen import platform
task = platform.run_task(sys.argv[1], 'hello_world', {'name': 'Aang'})
print(task.wait(timeout=180))
many = platform.run_tasks(sys.argv[1], 'process_data', [{"n": n} for n in range(20)])
for one in many: one.wait(timeout=180)
try:
    platform.run_task(sys.argv[1], 'hello_world', {'nam': 1})
except platform.BadPayload as error:
    print([fault["loc"] for fault in error.faults])
`, p.Name)
	python.Env = append(os.Environ(), "PYTHONPATH="+sdk)
	var stderr bytes.Buffer
	python.Stderr = &stderr
	said, err := python.Output()
	if want := "Hello, Aang!\n[['name'], ['nam']]\n"; err != nil || string(said) != want {
		t.Errorf("the SDK said %q, %v\n%s", said, err, stderr.String())
	}

	var tasks []struct{ Function, State string }
	check(t, json.Unmarshal([]byte(p.Run(t, "tasks", p.Name, "--json")), &tasks))
	for _, one := range tasks {
		if one.State != "succeeded" {
			t.Errorf("%+v", one)
		}
	}
	if len(tasks) != 24 {
		t.Errorf("%d tasks are listed", len(tasks))
	}
}

// TestUnbindable: a worker that takes what no data can become is refused when it is
// pushed, with each parameter and its line.
func TestUnbindable(t *testing.T) {
	cluster.Require(t)
	e2etest.Beside(t, "east m")
	p := newProject(t)
	p.Write(t, "app.py", "from typing import Protocol\nfrom fngen.powers import task_worker\n\nclass Go(Protocol): ...\n\n@task_worker()\ndef f(a: int, go: Go, it: dict[tuple, int]):\n    ...\n")
	p.Write(t, "fngen.yml", e2etest.OnServers("m", "us-east", 1))
	out, err := p.Command("push", p.Name, ".").CombinedOutput()
	for _, want := range []string{"app.py:7:", "FN2108", "parameter 'go' of f", "parameter 'it' of f"} {
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v, without %q:\n%s", err, want, out)
		}
	}
}
