# Made by fngen. Change the code and push it: the next push writes this job anew.
job "web-shop" {
  namespace   = "tea-shop"
  datacenters = ["eu-central", "us-west"]
  type        = "service"

  ui {
    description = "`shop` of project **tea-shop**: @webapp in `shop.py`, line 48, release 3."

    link {
      label = "tea-shop.fngen.localhost"
      url   = "https://tea-shop.fngen.localhost"
    }

    link {
      label = "shop--tea-shop.fngen.localhost"
      url   = "https://shop--tea-shop.fngen.localhost"
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
      max_parallel      = 2
      canary            = 2
      health_check      = "checks"
      min_healthy_time  = "1s"
      healthy_deadline  = "2m"
      progress_deadline = "5m"
      auto_promote      = true
      auto_revert       = true
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
      name     = "tea-shop--shop"
      provider = "consul"
      port     = "http"
      tags = [
        "traefik.enable=true",
        "traefik.http.routers.tea-shop--shop-83ab30b8.entrypoints=websecure",
        "traefik.http.routers.tea-shop--shop-83ab30b8.rule=Host(\"tea-shop.fngen.localhost\") || Host(\"shop--tea-shop.fngen.localhost\")",
        "traefik.http.routers.tea-shop--shop-83ab30b8.service=tea-shop--shop-83ab30b8",
        "traefik.http.routers.tea-shop--shop-83ab30b8.tls=true",
        "traefik.http.services.tea-shop--shop-83ab30b8.loadbalancer.passhostheader=true",
      ]

      check {
        type     = "http"
        name     = "health"
        path     = "/"
        interval = "1s"
        timeout  = "5s"

        header {
          Fngen-Check       = ["1"]
          Host              = ["tea-shop.fngen.localhost"]
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
          "--project=tea-shop",
          "--function=shop",
          "--power=webapp",
          "--file=shop.py",
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
        cpu        = 135
        memory     = 137
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
      name     = "tea-shop--shop"
      provider = "consul"
      port     = "http"
      tags = [
        "traefik.enable=true",
        "traefik.http.routers.tea-shop--shop-83ab30b8.entrypoints=websecure",
        "traefik.http.routers.tea-shop--shop-83ab30b8.rule=Host(\"tea-shop.fngen.localhost\") || Host(\"shop--tea-shop.fngen.localhost\")",
        "traefik.http.routers.tea-shop--shop-83ab30b8.service=tea-shop--shop-83ab30b8",
        "traefik.http.routers.tea-shop--shop-83ab30b8.tls=true",
        "traefik.http.services.tea-shop--shop-83ab30b8.loadbalancer.passhostheader=true",
      ]

      check {
        type     = "http"
        name     = "health"
        path     = "/"
        interval = "1s"
        timeout  = "5s"

        header {
          Fngen-Check       = ["1"]
          Host              = ["tea-shop.fngen.localhost"]
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
          "--project=tea-shop",
          "--function=shop",
          "--power=webapp",
          "--file=shop.py",
          "--python=3.11",
          "--tree=sha256:0123",
          "--layer=abcdef0123456789",
          "--uid=700001",
          "--release=3",
          "--server=big",
          "--disk=80",
          "--framework=fastapi",
          "--processes=2",
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
        cpu        = 243
        memory     = 504
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
        max_files     = 3
        max_file_size = 5
      }
    }
  }

  group "europe" {
    count          = 1
    shutdown_delay = "3s"

    constraint {
      attribute = "${node.class}"
      operator  = "="
      value     = "m"
    }

    constraint {
      attribute = "${node.datacenter}"
      operator  = "="
      value     = "eu-central"
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
      name     = "tea-shop--shop"
      provider = "consul"
      port     = "http"
      tags = [
        "traefik.enable=true",
        "traefik.http.routers.tea-shop--shop-83ab30b8.entrypoints=websecure",
        "traefik.http.routers.tea-shop--shop-83ab30b8.rule=Host(\"tea-shop.fngen.localhost\") || Host(\"shop--tea-shop.fngen.localhost\")",
        "traefik.http.routers.tea-shop--shop-83ab30b8.service=tea-shop--shop-83ab30b8",
        "traefik.http.routers.tea-shop--shop-83ab30b8.tls=true",
        "traefik.http.services.tea-shop--shop-83ab30b8.loadbalancer.passhostheader=true",
      ]

      check {
        type     = "http"
        name     = "health"
        path     = "/"
        interval = "1s"
        timeout  = "5s"

        header {
          Fngen-Check       = ["1"]
          Host              = ["tea-shop.fngen.localhost"]
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
          "--project=tea-shop",
          "--function=shop",
          "--power=webapp",
          "--file=shop.py",
          "--python=3.11",
          "--tree=sha256:0123",
          "--layer=abcdef0123456789",
          "--uid=700001",
          "--release=3",
          "--server=europe",
          "--disk=50",
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
        cpu        = 118
        memory     = 248
        memory_max = 1984
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
