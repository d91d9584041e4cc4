package console

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/term"
)

// Keys does what the keys say until ctx ends: reload starts all functions anew, quit ends
// the run. Browser is a command that opens an address; empty for that of the system.
type Keys struct {
	Reload, Quit func()
	Browser      string
}

const help = "keys: r starts all anew, o opens the browser, t lists tasks, q ends it"

// Listen reads keys where a person sits at the terminal. The terminal is as it was before
// once done was called.
func (c *Console) Listen(ctx context.Context, k Keys) (done func()) {
	if c.json {
		return func() {}
	}
	keys, restore := c.io.Keys(ctx)
	if keys == nil {
		return restore
	}
	c.Say("%s", c.io.Paint(term.Dim, help))
	go func() {
		for {
			select {
			case key := <-keys:
				c.press(ctx, key, k)
			case <-ctx.Done():
				return
			}
		}
	}()
	return restore
}

func (c *Console) press(ctx context.Context, key byte, k Keys) {
	switch key {
	case 'r':
		c.Say("starting all anew ...")
		k.Reload()
	case 'o':
		if err := c.browse(ctx, k.Browser); err != nil {
			c.Say("no browser was opened: %v", err)
		}
	case 't':
		if err := c.tasks(ctx); err != nil {
			c.Say("no tasks are to be had: %v", err)
		}
	case 'q':
		k.Quit()
	case 'h', '?':
		c.Say("%s", help)
	}
}

// browse opens the first web app.
func (c *Console) browse(ctx context.Context, browser string) error {
	command := []string{browser}
	switch {
	case browser != "":
	case runtime.GOOS == "darwin":
		command = []string{"open"}
	case runtime.GOOS == "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler"}
	default:
		command = []string{"xdg-open"}
	}
	command = append(command, c.address())
	// It may go on for as long as the browser does.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...)
	if err := cmd.Start(); err != nil {
		return err
	}
	c.Say("opening %s", c.address())
	go func() { _ = cmd.Wait() }() // what it thinks of the address is on the screen
	return nil
}

func (c *Console) address() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.url
}

const (
	tasksShown = 10
	tasksTime  = 5 * time.Second
)

// tasks lists those that were sent last.
func (c *Console) tasks(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tasksTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/.fngen/tasks?limit=%d", c.address(), tasksShown), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("fngen dev answers %s", resp.Status)
	}
	var list []api.Task
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return err
	}
	if len(list) == 0 {
		c.Say("no tasks yet")
		return nil
	}
	var table strings.Builder
	var rows [][]string
	for _, t := range list {
		failure := ""
		if t.Error != nil {
			failure = t.Error.Text()
		}
		rows = append(rows, []string{t.ID, t.Function, string(t.State), cmp.Or(failure, "-")})
	}
	if err := term.Table(&table, true, []string{"TASK", "FUNCTION", "STATE", "ERROR"}, rows); err != nil {
		return err
	}
	c.Say("%s", strings.TrimRight(table.String(), "\n"))
	return nil
}
