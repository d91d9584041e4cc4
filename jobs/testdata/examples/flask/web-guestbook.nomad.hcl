# Made by fngen. Change the code and push it: the next push writes this job anew.
job "web-guestbook" {
  namespace   = "guestbook"
  datacenters = ["us-west"]
  type        = "service"

  ui {
    description = "`guestbook` of project **guestbook**: @webapp in `app.py`, line 35, release 3."

    link {
      label = "guestbook.fngen.localhost"
      url   = "https://guestbook.fngen.localhost"
    }

    link {
      label = "guestbook--guestbook.fngen.localhost"
      url   = "https://guestbook--guestbook.fngen.localhost"
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
      name     = "guestbook--guestbook"
      provider = "consul"
      port     = "http"
      tags = [
        "traefik.enable=true",
        "traefik.http.routers.guestbook--guestbook-545d713f.entrypoints=websecure",
        "traefik.http.routers.guestbook--guestbook-545d713f.rule=Host(\"guestbook.fngen.localhost\") || Host(\"guestbook--guestbook.fngen.localhost\")",
        "traefik.http.routers.guestbook--guestbook-545d713f.service=guestbook--guestbook-545d713f",
        "traefik.http.routers.guestbook--guestbook-545d713f.tls=true",
        "traefik.http.services.guestbook--guestbook-545d713f.loadbalancer.passhostheader=true",
      ]

      check {
        type     = "http"
        name     = "health"
        path     = "/healthz"
        interval = "1s"
        timeout  = "5s"

        header {
          Fngen-Check       = ["1"]
          Host              = ["guestbook.fngen.localhost"]
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
          "--project=guestbook",
          "--function=guestbook",
          "--power=webapp",
          "--file=app.py",
          "--python=3.11",
          "--tree=sha256:0123",
          "--layer=abcdef0123456789",
          "--uid=700001",
          "--release=3",
          "--server=web",
          "--disk=25",
          "--framework=flask",
          "--health=/healthz",
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
