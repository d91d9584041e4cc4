# Made by fngen. Change the code and push it: the next push writes this job anew.
job "web-live_app" {
  namespace   = "hello"
  datacenters = ["us-west"]
  type        = "service"

  ui {
    description = "`live_app` of project **hello**: @webapp in `app.py`, line 41, release 3."

    link {
      label = "hello.fngen.localhost"
      url   = "https://hello.fngen.localhost"
    }

    link {
      label = "live-app--hello.fngen.localhost"
      url   = "https://live-app--hello.fngen.localhost"
    }
  }

  group "web" {
    count          = 1
    shutdown_delay = "3s"

    constraint {
      attribute = "${node.class}"
      operator  = "="
      value     = "s"
    }

    constraint {
      attribute = "${node.datacenter}"
      operator  = "="
      value     = "us-west"
    }

    update {
      max_parallel      = 1
      canary            = 1
      health_check      = "checks"
      min_healthy_time  = "1s"
      healthy_deadline  = "2m"
      progress_deadline = "5m"
      auto_promote      = true
      auto_revert       = true
    }

    migrate {
      max_parallel = 0
    }

    restart {
      attempts         = 3
      interval         = "5m"
      delay            = "500ms"
      mode             = "fail"
      render_templates = false
    }

    disconnect {
      lost_after = "1h"
      reconcile  = "keep_replacement"
      replace    = true
    }

    network {
      mode = "cni/fngen"

      port "http" {
        host_network = "srv"
        to           = 8080
      }
    }

    volume "cache" {
      type   = "host"
      source = "fngen-cache"
    }

    volume "node" {
      type      = "host"
      source    = "fngen-node"
      read_only = true
    }

    volume "usr" {
      type      = "host"
      source    = "fngen-usr"
      read_only = true
    }

    service {
      name     = "hello--live-app"
      provider = "consul"
      port     = "http"
      tags = [
        "traefik.enable=true",
        "traefik.http.routers.hello--live-app-c49981e3.entrypoints=websecure",
        "traefik.http.routers.hello--live-app-c49981e3.rule=Host(\"hello.fngen.localhost\") || Host(\"live-app--hello.fngen.localhost\")",
        "traefik.http.routers.hello--live-app-c49981e3.service=hello--live-app-c49981e3",
        "traefik.http.routers.hello--live-app-c49981e3.tls=true",
        "traefik.http.services.hello--live-app-c49981e3.loadbalancer.passhostheader=true",
      ]

      check {
        type     = "http"
        name     = "health"
        path     = "/"
        interval = "1s"
        timeout  = "5s"

        header {
          Fngen-Check       = ["1"]
          Host              = ["hello.fngen.localhost"]
          X-Forwarded-Proto = ["https"]
        }
      }
    }

    task "app" {
      driver       = "exec"
      user         = "nobody"
      kill_timeout = "30s"

      config {
        command = "/../opt/fngen/bin/fngen-agent"
        args = [
          "serve",
          "--project=hello",
          "--function=live_app",
          "--power=webapp",
          "--file=app.py",
          "--python=3.11",
          "--tree=sha256:0123",
          "--layer=abcdef0123456789",
          "--uid=700001",
          "--release=3",
          "--server=web",
          "--disk=25",
          "--framework=fastapi",
          "--drain=25s",
          "--api=https://api.fngen.localhost",
        ]
        cap_add  = ["chown", "dac_override", "dac_read_search", "fowner", "kill", "setgid", "setuid"]
        cap_drop = ["all"]
      }

      identity {
        name        = "fngen"
        aud         = ["fngen"]
        file        = true
        ttl         = "1h"
        change_mode = "noop"
      }

      resources {
        cpu        = 475
        memory     = 480
        memory_max = 960
      }

      volume_mount {
        volume      = "cache"
        destination = "/var/cache/fngen"
        read_only   = false
      }

      volume_mount {
        volume      = "node"
        destination = "/opt/fngen"
        read_only   = true
      }

      volume_mount {
        volume      = "usr"
        destination = "/usr"
        read_only   = true
      }

      logs {
        max_files     = 3
        max_file_size = 5
      }
    }
  }
}
