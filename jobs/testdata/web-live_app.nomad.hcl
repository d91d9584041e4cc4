job "web-live_app" {
  namespace   = "hello"
  datacenters = ["eu-central", "us-west"]
  type        = "service"

  ui {
    description = "`live_app` of project **hello**: @webapp in `app.py`, line 12, release 3."

    link {
      label = "hello.fngen.localhost"
      url   = "https://hello.fngen.localhost"
    }
  }

  group "web" {
    count          = 2
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

    spread {
      attribute = "${node.unique.id}"
      weight    = 100
    }

    update {
      auto_promote      = true
      auto_revert       = true
      canary            = 2
      health_check      = "checks"
      healthy_deadline  = "2m"
      max_parallel      = 2
      min_healthy_time  = "1s"
      progress_deadline = "5m"
    }

    restart {
      interval         = "5m"
      attempts         = 3
      delay            = "2s"
      mode             = "fail"
      render_templates = false
    }

    network {
      port "http" {
        host_network = "srv"
      }
    }

    volume "cache" {
      type   = "host"
      source = "fngen-cache"
    }

    volume "node" {
      type      = "host"
      read_only = true
      source    = "fngen-node"
    }

    volume "usr" {
      type      = "host"
      read_only = true
      source    = "fngen-usr"
    }

    service {
      name     = "hello--live-app"
      provider = "consul"
      port     = "http"
      tags = [
        "traefik.enable=true",
        "traefik.http.routers.hello--live-app-2646f5b9.entrypoints=websecure",
        "traefik.http.routers.hello--live-app-2646f5b9.rule=Host(\"hello.fngen.localhost\")",
        "traefik.http.routers.hello--live-app-2646f5b9.service=hello--live-app-2646f5b9",
        "traefik.http.routers.hello--live-app-2646f5b9.tls=true",
        "traefik.http.services.hello--live-app-2646f5b9.loadbalancer.passhostheader=true",
      ]

      check {
        type     = "http"
        name     = "health"
        path     = "/"
        interval = "1s"
        timeout  = "2s"

        header {
          Fngen-Check = ["1"]
          Host        = ["hello.fngen.localhost"]
        }
      }
    }

    task "app" {
      driver       = "exec"
      user         = "nobody"
      kill_timeout = "30s"

      config {
        command = "/opt/fngen/bin/fngen-agent"
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
          "--health=/",
          "--drain=25s",
          "--api=https://api.fngen.localhost",
        ]
        cap_add  = ["chown", "dac_override", "fowner", "kill", "setgid", "setuid"]
        cap_drop = ["all"]
      }

      identity {
        name        = "fngen"
        aud         = ["fngen"]
        change_mode = "noop"
        file        = true
        ttl         = "1h"
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
        max_file_size = 5
        max_files     = 3
      }
    }
  }

  group "big" {
    count          = 1
    shutdown_delay = "3s"

    constraint {
      attribute = "${node.class}"
      operator  = "="
      value     = "xl"
    }

    constraint {
      attribute = "${node.datacenter}"
      operator  = "="
      value     = "eu-central"
    }

    update {
      auto_promote      = true
      auto_revert       = true
      canary            = 1
      health_check      = "checks"
      healthy_deadline  = "2m"
      max_parallel      = 1
      min_healthy_time  = "1s"
      progress_deadline = "5m"
    }

    restart {
      interval         = "5m"
      attempts         = 3
      delay            = "2s"
      mode             = "fail"
      render_templates = false
    }

    network {
      port "http" {
        host_network = "srv"
      }
    }

    volume "cache" {
      type   = "host"
      source = "fngen-cache"
    }

    volume "node" {
      type      = "host"
      read_only = true
      source    = "fngen-node"
    }

    volume "usr" {
      type      = "host"
      read_only = true
      source    = "fngen-usr"
    }

    service {
      name     = "hello--live-app"
      provider = "consul"
      port     = "http"
      tags = [
        "traefik.enable=true",
        "traefik.http.routers.hello--live-app-2646f5b9.entrypoints=websecure",
        "traefik.http.routers.hello--live-app-2646f5b9.rule=Host(\"hello.fngen.localhost\")",
        "traefik.http.routers.hello--live-app-2646f5b9.service=hello--live-app-2646f5b9",
        "traefik.http.routers.hello--live-app-2646f5b9.tls=true",
        "traefik.http.services.hello--live-app-2646f5b9.loadbalancer.passhostheader=true",
      ]

      check {
        type     = "http"
        name     = "health"
        path     = "/"
        interval = "1s"
        timeout  = "2s"

        header {
          Fngen-Check = ["1"]
          Host        = ["hello.fngen.localhost"]
        }
      }
    }

    task "app" {
      driver       = "exec"
      user         = "nobody"
      kill_timeout = "30s"

      config {
        command = "/opt/fngen/bin/fngen-agent"
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
          "--server=big",
          "--health=/",
          "--drain=25s",
          "--api=https://api.fngen.localhost",
        ]
        cap_add  = ["chown", "dac_override", "fowner", "kill", "setgid", "setuid"]
        cap_drop = ["all"]
      }

      identity {
        name        = "fngen"
        aud         = ["fngen"]
        change_mode = "noop"
        file        = true
        ttl         = "1h"
      }

      resources {
        cpu        = 975
        memory     = 2016
        memory_max = 4032
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
        max_file_size = 5
        max_files     = 3
      }
    }
  }
}
