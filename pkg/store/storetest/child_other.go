//go:build unix && !linux

package storetest

import (
	"os/exec"
	"path/filepath"
)

// children knows of none: what is left of a server that was killed ends by itself.
func children(int) []int { return nil }

func giveAway(string) error { return nil }

func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir
	return cmd
}

func runChild(cmd *exec.Cmd, ended chan<- struct{}) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the log says how it ended
	}()
	return nil
}
