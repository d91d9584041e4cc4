//go:build !unix

package dev

import "os/exec"

func separate(*exec.Cmd) {}

func askToEnd(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func endGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
