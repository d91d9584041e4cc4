package postmortem

import (
	"strings"
	"testing"

	"fngen.dev/fngen/nomad"
)

// TestCommandCause gives outputs as commands print them.
func TestCommandCause(t *testing.T) {
	for _, c := range []struct {
		name   string
		f      nomad.Failure
		output string
		want   string
	}{
		{"traceback", nomad.Failure{ExitCode: 1}, "Applying...\nTraceback (most recent call last):\n  File \"/app/manage.py\", line 22, in <module>\n    main()\n" +
			"  File \"/app/shop/models.py\", line 7, in save\n    raise ValueError(1)\n  File \"/usr/lib/python3.11/x.py\", line 3, in y\n    z\nValueError: no such shop\n", "ValueError: no such shop (shop/models.py:7)"},
		{"the last of two", nomad.Failure{ExitCode: 1}, "Traceback (most recent call last):\n  File \"/app/a.py\", line 1, in f\nKeyError: 'x'\n\nThe above exception was the direct cause of the following exception:\n\n" +
			"Traceback (most recent call last):\n  File \"/usr/x.py\", line 2, in g\ndjango.db.utils.OperationalError: no such table: shop\n", "django.db.utils.OperationalError: no such table: shop"},
		{"no traceback", nomad.Failure{ExitCode: 1}, "System check identified no issues\nCommandError: Conflicting migrations detected\n", "CommandError: Conflicting migrations detected"},
		{"no module", nomad.Failure{ExitCode: 1}, "/opt/fngen/python/3.11/bin/python: No module named pages.missing\n", "No module named pages.missing"},
		{"mixed", nomad.Failure{ExitCode: 1}, "Traceback (most recent call last):\n  File \"/app/a.py\", line 1, in f\nApplying shop.0001...\n    x()\nKeyError: 'x'\n", "KeyError: 'x' (a.py:1)"},
		{"no program", nomad.Failure{ExitCode: 127}, "/bin/sh: 1: alembic: not found", "its shell does not find the program; what is installed can be run as `python -m NAME`"},
		{"memory", nomad.Failure{ExitCode: 137, OutOfMemory: true}, "", "it took more memory than its server has for it, and was killed"},
		{"nothing", nomad.Failure{ExitCode: 3}, "", ""},
		{"no exception", nomad.Failure{ExitCode: 3}, "something is wrong\n", ""},
		{"cut off", nomad.Failure{ExitCode: 1}, "Traceback (most recent call last):\n  File \"/app/a.py\", line 1, in f", ""},
		{"long", nomad.Failure{ExitCode: 1}, "ValueError: " + strings.Repeat("x", 5000), "ValueError: " + strings.Repeat("x", maxCause-12) + "..."},
	} {
		if got := OfCommand(&c.f, strings.Split(c.output, "\n")); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
