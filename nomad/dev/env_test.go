//go:build linux

package main

import (
	"os/exec"
	"testing"
)

func TestQuoteIsOneShellWord(t *testing.T) {
	for _, s := range []string{"", "plain", "it's", `a "b" $HOME ` + "`id`", "two\nlines", `\`} {
		out, err := exec.Command("/bin/sh", "-c", "printf %s "+quote(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("the shell reads %q as %q: %v", s, out, err)
		}
	}
}

func TestVariables(t *testing.T) {
	got := variables(map[string]string{"b": `x"${y}`, "a": "%{z}"})
	want := "a = \"%%{z}\"\nb = \"x\\\"$${y}\"\n"
	if got != want {
		t.Errorf("variables = %q, want %q", got, want)
	}
}
