package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"fngen.dev/fngen/e2e/cluster"
	"fngen.dev/fngen/nomad"
)

// rival is the hand-written job: what a person who knows Nomad well would write
// for the same app, with the same check, canary and router.
const rival = "bench-by-hand"

const byHand = `job %q {
  namespace   = "default"
  datacenters = ["us-west"]

  group "web" {
    shutdown_delay = "3s"

    constraint {
      attribute = "${node.class}"
      value     = "xl"
    }

    update {
      canary           = 1
      auto_promote     = true
      auto_revert      = true
      min_healthy_time = "1s"
    }

    network {
      mode = "cni/fngen"
      port "http" {
        to           = 8080
        host_network = "srv"
      }
    }

    volume "usr" {
      type      = "host"
      source    = "fngen-usr"
      read_only = true
    }

    volume "node" {
      type      = "host"
      source    = "fngen-node"
      read_only = true
    }

    volume "cache" {
      type   = "host"
      source = "fngen-cache"
    }

    service {
      name = %[1]q
      port = "http"
      tags = [
        "traefik.enable=true",
        "traefik.http.routers.%[1]s.entrypoints=websecure",
        "traefik.http.routers.%[1]s.rule=Host(\"%[1]s.%[2]s\")",
        "traefik.http.routers.%[1]s.tls=true",
      ]

      check {
        type     = "http"
        path     = "/"
        interval = "1s"
        timeout  = "2s"
      }
    }

    task "app" {
      driver = "exec"

      config {
        # It borrows the environment that fngen built, which nobody else may read.
        cap_add = ["dac_override"]
        command = "/bin/sh"
        args    = ["-c", "exec /var/cache/fngen/%[3]d/layers/%[4]s/bin/python -m uvicorn app:app --app-dir /local --host 0.0.0.0 --port $NOMAD_PORT_http"]
      }

      template {
        destination = "local/app.py"
        data        = <<EOT
%[5]sEOT
      }

      resources {
        cpu    = 475
        memory = 992
      }

      volume_mount {
        volume      = "usr"
        destination = "/usr"
        read_only   = true
      }

      volume_mount {
        volume      = "node"
        destination = "/opt/fngen"
        read_only   = true
      }

      volume_mount {
        volume      = "cache"
        destination = "/var/cache/fngen"
      }
    }
  }
}
`

const turns = 11

// pushToAnswer changes one line of the app and measures until the first answer
// of the new version, turn by turn with `nomad job run` of the hand-written job.
func (b *bench) pushToAnswer(ctx context.Context) ([]figure, error) {
	file := filepath.Join(b.dir, "by-hand.nomad.hcl")
	var ours, theirs []time.Duration
	for turn := range turns + 1 {
		if err := b.settled(ctx); err != nil {
			return nil, err
		}
		if err := b.writeApp(); err != nil {
			return nil, err
		}
		a, err := b.timed(ctx, b.project, "fngen", "push", b.project, b.dir)
		if err != nil {
			return nil, err
		}
		text := fmt.Sprintf(byHand, rival, os.Getenv("FNGEN_DOMAIN"), b.uid, b.layer, fmt.Sprintf(source, b.version))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return nil, err
		}
		h, err := b.timed(ctx, rival, "nomad", "job", "run", file)
		if err != nil {
			return nil, err
		}
		if err := os.Remove(file); err != nil { // it is no part of the tree
			return nil, err
		}
		if turn > 0 { // the first one is the rival's first start
			ours, theirs = append(ours, a), append(theirs, h)
		}
	}
	return []figure{{
		"push of a one-line change to the first answer of the new version", seconds(median(ours)), seconds(median(theirs)) + " (`nomad job run` by hand)",
		fmt.Sprintf("%.2f", float64(median(ours))/float64(median(theirs))), "<= 1.25",
	}}, nil
}

// settled waits until nothing drains any more, so that no turn pays for the one
// before it.
func (b *bench) settled(ctx context.Context) error {
	client, err := nomad.New(os.Getenv("NOMAD_ADDR"), os.Getenv("NOMAD_TOKEN"))
	if err != nil {
		return err
	}
	for _, namespace := range []string{b.project, "default"} {
		if _, err := client.Settle(ctx, namespace); err != nil {
			return err
		}
	}
	return nil
}

// timed runs a command and returns how long it took from its start until the
// router gave the current version, then waits for the command to end.
func (b *bench) timed(ctx context.Context, host, name string, args ...string) (time.Duration, error) {
	begin := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- command(ctx, name, args...) }()
	want := `"version":` + strconv.Itoa(b.version)
	for {
		select {
		case err := <-ended:
			if err != nil {
				return 0, err
			}
			ended <- nil
		default:
		}
		if strings.Contains(b.http.get(ctx, host), want) {
			took := time.Since(begin)
			return took, <-ended
		}
		if time.Since(begin) > 2*time.Minute {
			return 0, fmt.Errorf("%s: version %d never answered", host, b.version)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// client asks the ingress, on a new connection each time.
type client struct{ http *http.Client }

func newClient() (*client, error) {
	router, err := cluster.Router()
	if err != nil {
		return nil, err
	}
	router.Transport.(*http.Transport).TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(8)
	router.Timeout = 5 * time.Second
	return &client{router}, nil
}

func (c *client) get(ctx context.Context, host string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cluster.URL(host)+"/", nil)
	if err != nil {
		return ""
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return ""
	}
	return string(body)
}

func median[T cmp.Ordered](list []T) T {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
