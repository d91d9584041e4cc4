//go:build linux

// Package ui opens the pages of servers that operators look at.
package ui

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/nomad/dev/preflight"
)

// TestNomadUI opens the job of a function as an operator does: signed in by the
// command of docs/operating.md, it tells where the function comes from and where it
// answers, and shows the job that fngen wrote. The screenshot is the one of the docs.
func TestNomadUI(t *testing.T) {
	cluster.Require(t)
	tab := browser(t)
	visit(t, tab, signIn, `//a[contains(., "web-live_app")]`)
	job := func(*testing.T) string { return os.Getenv("NOMAD_ADDR") + "/ui/jobs/web-live_app@hello" }
	visit(t, tab, job, `//h1[contains(., "web-live_app")]`)
	text := shown(t, tab)
	if !regexp.MustCompile(`live_app of project hello: @webapp in app\.py, line \d+, release \d+\.`).MatchString(text) {
		t.Errorf("the job page does not say what the function is:\n%s", text)
	}
	address := "https://hello." + os.Getenv("FNGEN_DOMAIN")
	link, err := chromedp.Run(tab, chromedp.AttributeValue(chromedp.Search(`//a[contains(., "hello.`+os.Getenv("FNGEN_DOMAIN")+`")]`), "href"))
	check(t, err)
	client, err := cluster.Router()
	check(t, err)
	if !strings.HasPrefix(link.Value, address) {
		t.Errorf("the job page links to %q, want %s", link.Value, address)
	} else if resp, err := client.Get(link.Value); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the link of the job page: %v, %v", resp, err)
	}
	picture, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
	check(t, err)
	check(t, os.WriteFile("../../.dev/nomad-ui.png", picture, 0o644))

	do(t, tab, chromedp.Click(chromedp.Search(`//a[normalize-space(.)="Definition"]`)))
	do(t, tab, chromedp.WaitVisible(chromedp.Search(`//span[starts-with(., "# Made by fngen")]`)))
	for _, line := range []string{"# Made by fngen.", `job "web-live_app" {`, `namespace   = "hello"`, `group "`} {
		if text := shown(t, tab); !strings.Contains(text, line) {
			t.Errorf("the tab Definition lacks %q:\n%s", line, text)
		}
	}
}

// signIn is a page's address with a token for one time: who reads it in a log can do
// nothing with it.
func signIn(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "nomad", "ui", "-authenticate", "-show-url").CombinedOutput()
	if err != nil {
		t.Fatalf("nomad ui: %v\n%s", err, out)
	}
	return string(regexp.MustCompile(`http\S+`).Find(out))
}

// visit opens a page until it shows what xpath finds. The UI gives up a page with
// "Something went wrong" when one of its requests failed, as it does when a server is
// slow for a moment: a person opens it again.
func visit(t *testing.T, tab context.Context, address func(*testing.T) string, xpath string) {
	t.Helper()
	var refused refusals
	check(t, chromedp.Listen(tab, refused.note))
	for {
		do(t, tab, chromedp.Navigate(address(t)))
		try, cancel := context.WithTimeout(tab, 30*time.Second)
		err := chromedp.Do(try, chromedp.WaitVisible(chromedp.Search(xpath)))
		cancel()
		if err == nil {
			return
		}
		text := shown(t, context.WithoutCancel(tab))
		if tab.Err() != nil {
			t.Fatalf("%s: %v; it was refused %v; the page says:\n%s", xpath, err, refused.all(), text)
		}
		t.Logf("opening the page again; it was refused %v and says:\n%s", refused.all(), text)
	}
}

// refusals are the answers of 400 and above that a page got.
type refusals struct {
	mu      sync.Mutex
	answers []string
}

func (r *refusals) note(event any) {
	got, is := event.(*network.EventResponseReceived)
	if !is || got.Response.Status < http.StatusBadRequest {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers = append(r.answers, fmt.Sprintf("%d for %s", got.Response.Status, got.Response.URL))
}

func (r *refusals) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.answers)
}

// browser opens a tab that is closed at the end of the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := preflight.Browser()
	if path == "" {
		t.Skip("no Chromium: `go run ./nomad/dev browser`")
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 760), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
	}
	// It talks to the cluster and to nobody else.
	for _, name := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(name, true))
	}
	all, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	tab, closeTab := chromedp.NewContext(all)
	t.Cleanup(closeTab)
	check(t, chromedp.Do(tab)) // starts the browser, which lives as long as this context
	limited, cancel := context.WithTimeout(tab, 4*time.Minute)
	t.Cleanup(cancel)
	return limited
}

func do(t *testing.T, tab context.Context, action chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(tab, action); err != nil {
		t.Fatalf("%v; the page says:\n%s", err, shown(t, context.WithoutCancel(tab)))
	}
}

// shown is what a person reads on the page.
func shown(t *testing.T, tab context.Context) string {
	t.Helper()
	text, err := chromedp.Run(tab, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
