//go:build unix

package dev

import (
	"os/exec"
	"syscall"
)

// separate gives a process a group of its own, so that it can be ended with all its
// children, and Ctrl-C reaches this program alone.
func separate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func askToEnd(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

func endGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
