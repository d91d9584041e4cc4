package deploytest

import (
	"fmt"
	"strings"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// tree keeps files and returns their digest.
func (w *world) tree(files map[string]string) string { return w.treeOf(w.project, files) }

func (w *world) treeOf(p store.Project, files map[string]string) string {
	var m source.Manifest
	for path, text := range files {
		digest, size, err := w.blobs.PutStream(w.Context(), scope(p), strings.NewReader(text))
		if err != nil {
			w.Fatal(err)
		}
		m.Files = append(m.Files, source.File{Path: path, Size: size, SHA256: digest})
	}
	m.Sort()
	if err := w.store.SaveTree(w.Context(), w.actor, p.ID, m); err != nil {
		w.Fatal(err)
	}
	return m.Digest()
}

// code is a tree of functions that each are a web app of some version.
func code(version int, fleet string, functions ...string) map[string]string {
	text := fmt.Sprintf("from fastapi import FastAPI\nfrom fngen.powers import webapp\n\nversion = %d\n", version)
	for _, f := range functions {
		text += fmt.Sprintf("\n\n@webapp(framework=\"fastapi\")\ndef %s():\n    return FastAPI()\n", f)
	}
	return map[string]string{"app.py": text, "fngen.yml": fleet}
}

const oneServer = "servers:\n  - {name: web, size: s, region: us-west, count: 1}\n"

// push pushes a tree and returns how that ended.
func (w *world) push(files map[string]string) *api.Problem {
	w.Helper()
	return w.pushRequest(api.PushRequest{Tree: w.tree(files)})
}

func (w *world) pushRequest(req api.PushRequest) *api.Problem {
	w.Helper()
	return w.ends(w.service.Push(w.Context(), w.actor, w.project, req))
}

func (w *world) rollback(number int) *api.Problem {
	w.Helper()
	return w.ends(w.service.Rollback(w.Context(), w.actor, w.project, number))
}

// ends waits for the end of a change.
func (w *world) ends(events <-chan api.Event, err error) *api.Problem {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
	var failed *api.Problem
	w.talk, w.result = nil, nil
	for e := range events {
		switch {
		case e.Phase != nil:
			w.talk = append(w.talk, e.Phase.Name+": "+e.Phase.Message)
		case e.Output != nil:
			w.talk = append(w.talk, e.Output.Source+"| "+e.Output.Line)
		}
		failed, w.result = e.Failed, e.Done
	}
	return failed
}

func (w *world) mustPush(files map[string]string) {
	w.Helper()
	if problem := w.push(files); problem != nil {
		w.Fatalf("push: %v: %v\n%s", problem, problem.Diagnostics, w.log)
	}
	w.expects = true
}
