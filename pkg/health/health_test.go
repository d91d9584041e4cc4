package health

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	consul "github.com/hashicorp/consul/api"
)

func TestCritical(t *testing.T) {
	const id = "0b8f7f3c-6a0a-4c1b-b8a5-6d7e0a2f1c11"
	got := critical(consul.HealthChecks{
		{ServiceID: "_nomad-task-" + id + "-group-web-shop--live_app-http", Output: "HTTP GET: 500"},
		{ServiceID: "_nomad-task-1b8f7f3c-6a0a-4c1b-b8a5-6d7e0a2f1c11-group-web-shop--live_app-http"}, // not checked yet
		{ServiceID: "_nomad-task-short", Output: "x"}, {ServiceID: "postgres", Output: "x"}, {CheckID: "serfHealth", Output: "x"},
	})
	if diff := cmp.Diff(map[string]string{id: "HTTP GET: 500"}, got); diff != "" {
		t.Error(diff)
	}
}
