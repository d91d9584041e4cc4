package cli

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"fngen.dev/fngen/pkg/cli/command"
)

var update = flag.Bool("update", false, "rewrite the golden outputs in testdata")

// TestMain lets the scripts run this very binary as fngen, and as fngen-tty, which
// takes its stdin and stderr for a terminal.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"fngen": func() { runProgram(command.SystemEnv()) },
		// with-key FILE COMMAND runs a command with the API key that is in a file.
		"with-key": func() {
			key, err := os.ReadFile(os.Args[1])
			if err != nil {
				panic(err)
			}
			program := exec.Command(os.Args[2], os.Args[3:]...)
			program.Env = append(os.Environ(), "FNGEN_API_KEY="+strings.TrimSpace(string(key)))
			program.Stdout, program.Stderr = os.Stdout, os.Stderr
			_ = program.Run() // the exit code says it
			os.Exit(program.ProcessState.ExitCode())
		},
		"fngen-tty": func() {
			env := command.SystemEnv()
			env.IO.InTTY, env.IO.ErrTTY = true, true
			runProgram(env)
		},
	})
}

func runProgram(env command.Env) {
	env.Cut.Interval = 50 * time.Millisecond
	// A script that waits for what never comes says how long.
	if limit, err := time.ParseDuration(os.Getenv("CUT_TIME")); err == nil {
		env.Cut.Time = limit
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(Run(ctx, os.Args[1:], env))
}

// TestOffline runs every script of testdata/offline: commands that must not need
// a platform. The API's address refuses connections.
func TestOffline(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/offline",
		UpdateScripts: *update,
		Cmds:          scriptCommands,
		Setup:         func(env *testscript.Env) error { isolate(env, "http://127.0.0.1:1"); return nil },
	})
}

// isolate gives a script a home of its own and the address of its platform.
func isolate(env *testscript.Env, apiURL string) {
	env.Setenv("HOME", env.WorkDir+"/home")
	env.Setenv("FNGEN_API_URL", apiURL)
	env.Setenv("GOCOVERDIR", "")
}

var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"code": cmdCode, "interrupt": cmdInterrupt, "cmptalk": cmdCmptalk, "action": cmdAction, "gitlab": cmdGitLab,
}

// cmdCode runs a program and wants one exit code: code 4 fngen connect.
func cmdCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM [ARG...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		got = strconv.Itoa(exit.ExitCode())
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// cmdCmptalk compares what was said, without the times of its progress, with a
// file: cmptalk stderr FILE.
func cmdCmptalk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cmptalk stderr FILE")
	}
	if diff := cmp.Diff(ts.ReadFile(args[1]), progressTime.ReplaceAllString(ts.ReadFile(args[0]), "")); diff != "" {
		ts.Fatalf("%s, less what it holds:\n%s", args[1], diff)
	}
}

var progressTime = regexp.MustCompile(`(?m) \([0-9.]+s\)$`)

// cmdInterrupt starts a program, interrupts it as Ctrl-C does once its stderr
// holds a text, and wants an exit code: interrupt 130 TEXT fngen push. Its stderr
// is left in the file talk.txt.
func cmdInterrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupt N TEXT PROGRAM [ARG...]")
	}
	path := ts.MkAbs("talk.txt")
	talk, err := os.Create(path)
	ts.Check(err)
	defer talk.Close()
	input, answers, err := os.Pipe() // nobody ever types anything
	ts.Check(err)
	defer input.Close()
	defer answers.Close()
	program := exec.Command("/usr/bin/env", args[2:]...)
	program.Stdin = input
	program.Dir, program.Stderr = ts.MkAbs("."), talk
	for _, name := range []string{"PATH", "HOME", "FNGEN_API_URL", "FNGEN_API_KEY"} {
		program.Env = append(program.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(program.Start())
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		data, err := os.ReadFile(path)
		ts.Check(err)
		if strings.Contains(string(data), args[1]) {
			break
		}
		if time.Now().After(deadline) {
			_ = program.Process.Kill()
			ts.Fatalf("stderr does not hold %q after two minutes: %s", args[1], data)
		}
	}
	ts.Check(program.Process.Signal(os.Interrupt))
	_ = program.Wait() // the exit code says it
	if got := strconv.Itoa(program.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}
